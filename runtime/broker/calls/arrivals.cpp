#include "runtime/broker/calls/router.hpp"
#include "runtime/config.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <span>

namespace troupe::broker {

namespace {

// A restarted broker is back by then (`troupe up`).
constexpr milliseconds drain_wait{1'000};
constexpr milliseconds full_wait{100};

std::uint64_t key_digest(std::string_view key) {
  return digest_of(std::as_bytes(std::span{key}));
}

error full(std::string message, milliseconds wait) {
  return {.code = errc::overloaded, .message = std::move(message), .retry_after = wait};
}

} // namespace

log_event make_event(std::string name, std::vector<std::pair<std::string, std::string>> fields) {
  return {std::move(name), std::move(fields)};
}

router::router(router_options options, quarantine& alone)
    : options_{std::move(options)}, nodes_{options_}, quarantine_{alone} {
  quarantine_.join(quarantine::work::calls);
}

void router::call(
    origin from,
    const wire::header_view& header,
    std::string_view header_bytes,
    std::string_view body,
    instant now,
    decisions& out) {
  ++counts_.calls;
  if (header.ttl == 0) {
    ++counts_.expired;
    return refuse_call(
        from,
        header.id,
        {.code = errc::deadline_exceeded,
         .message = "the time was up before the call reached the broker"},
        out);
  }
  const std::uint32_t known = calls_.find(header.id);
  const std::uint32_t where = nodes_.find_capability(header.to);
  if (known != nowhere) {
    if (calls_[known].capability != where) {
      ++counts_.conflicts;
      return refuse_call(
          from,
          header.id,
          {.code = errc::conflict,
           .message = "the id is in use by a call to another capability; use a new id"},
          out);
    }
    return attach(known, from, header, body, now, out);
  }
  if (!accept(from, header, where, out)) {
    return;
  }
  const std::uint32_t index = calls_.add(header, header_bytes, body);
  broker::call& made = calls_[index];
  made.capability = where;
  made.has_key = !header.key.empty();
  made.key_digest = made.has_key ? key_digest(header.key) : 0;
  made.waiters.push_back({from, now + milliseconds{header.ttl}});
  timers_.set(index, made.waiters.front().deadline);
  place(index, where, now, out);
}

/// Whether a new call is taken at all; if not, it has been refused.
bool router::accept(
    origin from, const wire::header_view& header, std::uint32_t where, decisions& out) {
  if (where == nowhere) {
    refuse_call(
        from,
        header.id,
        {.code = errc::unknown_capability,
         .message = fmt::format(
             "there is no capability `{}`{}", header.to, did_you_mean(header.to, nodes_.names()))},
        out);
    return false;
  }
  if (draining_) {
    refuse_call(
        from,
        header.id,
        {.code = errc::unavailable,
         .message = "this broker is stopping; try again with the same id",
         .retry_after = drain_wait},
        out);
    return false;
  }
  if (calls_.size() >= options_.calls_max) {
    ++counts_.overloaded;
    refuse_call(
        from,
        header.id,
        full(fmt::format("the broker holds {} calls, its limit", calls_.size()), full_wait),
        out);
    return false;
  }
  return true;
}

/// Sends a new call, queues it, or refuses it.
void router::place(std::uint32_t index, std::uint32_t where, instant now, decisions& out) {
  broker::call& made = calls_[index];
  capability& to = nodes_.capabilities[where];
  if (!held_.empty() && adopt_held(index, where)) {
    return;
  }
  if (!blamed_.empty()) {
    made.deaths = blamed_.deaths_of(made.id);
    if (made.deaths >= deaths_convicted) {
      return convict(index, out);
    }
    if (made.deaths >= deaths_suspected) {
      suspect(index, out);
      return isolate_next(now, out);
    }
  }
  // Whoever came first goes first: with a queue, a new call joins it.
  choice found;
  if (to.queue.size == 0) {
    found = choose(to, made, now);
    if (found.is == choice::verdict::go) {
      return send(index, found.placement, now, out);
    }
    if (found.is == choice::verdict::exhausted) {
      return give_up(index, found, out);
    }
  }
  if (to.queue.size >= to.queue_max) {
    ++counts_.overloaded;
    refuse_waiters(
        index,
        full(
            fmt::format("{} calls wait for `{}`, the limit", to.queue.size, to.name),
            to.rate.time_for(to.queue.size + 1)),
        out);
    return drop(index);
  }
  made.is = call::phase::queued;
  calls_.push_back(to.queue, index);
  if (to.queue.size > 1) {
    // Those ahead may only be waiting for nodes this one does not need.
    pump(where, now, out);
  }
}

/// If a worker brought this id along when it logged in, the call is outstanding there already.
bool router::adopt_held(std::uint32_t index, std::uint32_t where) {
  const std::uint32_t number = held_.take(calls_[index].id);
  if (number == nowhere || !nodes_.nodes[number].live) {
    return false;
  }
  ++counts_.adopted;
  occupy(index, nodes_.lane_of(where, number));
  return true;
}

void router::attach(
    std::uint32_t index,
    origin from,
    const wire::header_view& header,
    std::string_view body,
    instant now,
    decisions& out) {
  broker::call& known = calls_[index];
  if (known.op() != header.op || known.body() != body) {
    ++counts_.conflicts;
    return refuse_call(
        from,
        header.id,
        {.code = errc::conflict,
         .message = "the id is in use by a call with another operation or body; use a new id"},
        out);
  }
  ++counts_.attached;
  const instant deadline = now + milliseconds{header.ttl};
  const auto same =
      std::find_if(known.waiters.begin(), known.waiters.end(), [&](const waiter& each) {
        return each.to == from;
      });
  if (same != known.waiters.end()) {
    // The same peer asks again: one answer is enough for it.
    same->deadline = std::max(same->deadline, deadline);
  } else if (known.waiters.size() >= options_.waiters_max) {
    ++counts_.overloaded;
    return refuse_call(
        from,
        header.id,
        full(fmt::format("{} others wait for this very call", known.waiters.size()), full_wait),
        out);
  } else {
    known.waiters.push_back({from, deadline});
  }
  timers_.set(index, known.earliest_deadline());
}

void router::refuse_call(origin to, const uuid& id, error why, decisions& out) {
  ++counts_.refused;
  out.actions.emplace_back(refuse{to, id, static_cast<std::uint32_t>(out.errors.size())});
  out.errors.push_back(std::move(why));
}

/// Tells all who wait, who then wait no longer.
void router::refuse_waiters(std::uint32_t index, const error& why, decisions& out) {
  broker::call& refused = calls_[index];
  for (const waiter& each : refused.waiters) {
    refuse_call(each.to, refused.id, why, out);
  }
  refused.waiters.clear();
  timers_.cancel(index);
}

/// Answers those whose time is up. The call goes on while others wait, or while a worker has it.
void router::expire(std::uint32_t index, instant now, decisions& out) {
  broker::call& late = calls_[index];
  const bool was_delivered = late.was_delivered;
  const std::string& name = nodes_.capabilities[late.capability].name;
  const auto is_late = [&](const waiter& each) {
    if (each.deadline > now) {
      return false;
    }
    ++counts_.expired;
    refuse_call(
        each.to,
        late.id,
        {.code = errc::deadline_exceeded,
         .possible = was_delivered ? effect::unknown : effect::none,
         .message = was_delivered ? fmt::format(
                        "`{}` did not answer in time; ask again with the same id", name)
                                  : fmt::format("no worker of `{}` was free in time", name)},
        out);
    return true;
  };
  late.waiters.erase(
      std::remove_if(late.waiters.begin(), late.waiters.end(), is_late), late.waiters.end());
  if (!late.waiters.empty()) {
    return timers_.set(index, late.earliest_deadline());
  }
  timers_.cancel(index);
  if (late.is != call::phase::outstanding) {
    end_isolation_of(index, now, out);
    drop(index);
  }
}

} // namespace troupe::broker
