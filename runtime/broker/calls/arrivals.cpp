#include "runtime/broker/calls/arrivals.hpp"

#include "runtime/config.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <span>

namespace troupe::broker {

namespace {

// The `retry_after` of a draining broker: `troupe up` has started it again by then.
constexpr milliseconds drain_wait{1'000};
constexpr milliseconds full_wait{100};
// The interval of answers with the nearest names. Comparing one with a thousand of them takes some
// 100 us of the loop: a hundredth of its time at most, however many calls name unknown
// capabilities.
constexpr milliseconds suggestion_interval{10};

std::uint64_t key_digest(std::string_view key) {
  return digest_of(std::as_bytes(std::span{key}));
}

error id_in_use(std::string_view by) {
  return {
      .code = errc::conflict,
      .message = fmt::format("the id is in use by a call {}; use a new id", by),
      .details = {{"reason", "id_reused"}}};
}

error full(std::string message) {
  return {.code = errc::overloaded, .message = std::move(message), .retry_after = full_wait};
}

} // namespace

error came_too_late() {
  return {
      .code = errc::deadline_exceeded,
      .message = "the time was up before the call reached the broker"};
}

void arrivals::take(
    origin from,
    const wire::header_view& header,
    std::string_view header_bytes,
    std::string_view body,
    instant now,
    decisions& out) {
  ++counts_.calls;
  if (header.ttl == 0) {
    ++counts_.expired;
    return callers_.refuse(from, header.id, came_too_late(), out);
  }
  const std::uint32_t known = calls_.find(header.id);
  const std::uint32_t where = nodes_.find_capability(header.to);
  if (is_taken(from, header, where, body, out)) {
    return;
  }
  if (known != nowhere) {
    if (calls_[known].capability != where) {
      ++counts_.conflicts;
      return callers_.refuse(from, header.id, id_in_use("to another capability"), out);
    }
    return attach(known, from, header, body, now, out);
  }
  if (where == nowhere) {
    return refuse_unknown(from, header, now, out);
  }
  if (!accept(from, header, out)) {
    return;
  }
  const std::uint32_t index = calls_.add(header, header_bytes, body);
  call& made = calls_[index];
  made.capability = where;
  made.arrived = now;
  made.is_traced = nodes_.capabilities[where].sampling.takes(header.traceparent, header.id);
  made.has_key = !header.key.empty();
  made.key_digest = made.has_key ? key_digest(header.key) : 0;
  callers_.add(index, from, now + milliseconds{header.ttl});
  if (!was_brought(index) && !suspects_.take_known(index, now, out)) {
    dispatch_.place(index, now, out);
  }
}

/// Refuses a call to a capability that does not exist.
void arrivals::refuse_unknown(
    origin from, const wire::header_view& header, instant now, decisions& out) {
  std::string suggestion;
  if (now >= suggest_at_) {
    suggest_at_ = now + suggestion_interval;
    suggestion = did_you_mean(header.to, nodes_.names());
  }
  callers_.refuse(
      from,
      header.id,
      {.code = errc::unknown_capability,
       .message = fmt::format("there is no capability `{}`{}", header.to, suggestion)},
      out);
}

/// Whether a new call is accepted; if not, it has been refused.
bool arrivals::accept(origin from, const wire::header_view& header, decisions& out) {
  if (is_draining_) {
    callers_.refuse(
        from,
        header.id,
        {.code = errc::unavailable,
         .message = "this broker is stopping; try again with the same id",
         .retry_after = drain_wait},
        out);
    return false;
  }
  if (calls_.size() >= options_.calls_max || calls_.bytes() >= options_.call_bytes_max) {
    ++counts_.overloaded;
    callers_.refuse(
        from,
        header.id,
        full(fmt::format(
            "the broker holds {} calls of {} together, its limit (`limits: {{memory: ...}}` of "
            "the topology)",
            calls_.size(),
            size_text(calls_.bytes()))),
        out);
    return false;
  }
  return true;
}

/// Whether a worker listed a different call under this id. Its answer belongs to that call's
/// callers, so this call has been refused.
bool arrivals::is_taken(
    origin from,
    const wire::header_view& header,
    std::uint32_t where,
    std::string_view body,
    decisions& out) {
  const brought_call* held = nodes_.find_brought(header.id);
  if (held == nullptr || held->is_for(where, header.op, body)) {
    return false;
  }
  callers_.refuse_for(from, header.id, *held, effect::none, out);
  return true;
}

/// Whether a worker listed this call when it logged in: it is outstanding there already.
bool arrivals::was_brought(std::uint32_t index) {
  const call& made = calls_[index];
  const brought_call* held = nodes_.find_brought(made.id);
  if (held == nullptr) {
    return false;
  }
  const std::uint32_t number = held->node;
  nodes_.end_brought(made.id, number);
  ++counts_.adopted;
  calls_.occupy(index, nodes_.placement_of(made.capability, number));
  return true;
}

void arrivals::attach(
    std::uint32_t index,
    origin from,
    const wire::header_view& header,
    std::string_view body,
    instant now,
    decisions& out) {
  call& known = calls_[index];
  if (known.op() != header.op || known.body() != body) {
    ++counts_.conflicts;
    return callers_.refuse(from, header.id, id_in_use("with another operation or body"), out);
  }
  ++counts_.attached;
  const auto is_same = [&](const waiter& each) { return each.to == from; };
  if (known.waiters.size() >= options_.waiters_max
      && std::ranges::none_of(known.waiters, is_same)) {
    ++counts_.overloaded;
    return callers_.refuse(
        from,
        header.id,
        full(fmt::format("{} others wait for this very call", known.waiters.size())),
        out);
  }
  const instant until = now + milliseconds{header.ttl};
  if (known.is == call::phase::outstanding
      && (known.waiters.empty() || until > known.latest_deadline())) {
    known.has_more_time = true;
  }
  callers_.add(index, from, until);
}

} // namespace troupe::broker
