#include "runtime/worker/call_intake.hpp"

#include "runtime/wire/check.hpp"

#include <fmt/format.h>

namespace troupe {

namespace {

// The `retry_after` of a call that this worker refused.
constexpr milliseconds refused_for{50};
// The most calls in one HELLO, which must fit into a frame. Calls that are not named are sent
// again, and answered from the inbox.
constexpr std::size_t told_max = 8'192;

} // namespace

void call_intake::take(
    int link,
    const wire::header_view& header,
    group& to,
    std::string_view body,
    const transport::frame_ref& frame,
    instant now) {
  if (to.condition().why_shut() != nullptr) {
    return refuse(link, header.id, to.shut_error());
  }
  if (to.condition().is_draining()) {
    return refuse(
        link,
        header.id,
        {.code = errc::unavailable,
         .message = node_ + " is being drained",
         .retry_after = refused_for});
  }
  // The limit is four times the credit of all brokers, more than they can send even if a link was
  // lost and calls are sent again.
  const std::int64_t most = std::int64_t{4} * to.options().bulkhead.in_flight * loop_.links();
  if (to.queues().calls_taken() >= most) {
    return refuse(
        link,
        header.id,
        {.code = errc::overloaded,
         .message = fmt::format("{} holds {} calls for `{}`", node_, most, header.to),
         .retry_after = refused_for});
  }
  item& call = add(link, header, body, to, to.name(), now);
  call.operation = header.op;
  call.key = header.key;
  if (!wire::has_nul(header.traceparent)) { // Nothing that is a trace has one.
    call.trace = header.traceparent;
  }
  call.body = body;
  call.frame = frame;
}

item& call_intake::add(
    int link,
    const wire::header_view& header,
    std::string_view body,
    group& to,
    const std::string& called,
    instant now) {
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  item& call = groups_.adding_to(to).add_call(header.key);
  call.slot = free_slots_.back();
  call.link = link;
  call.id = header.id;
  call.taken = now;
  call.deadline = now + milliseconds{header.ttl};
  call.token = wire::digest_of_request(header.op, body);
  free_slots_.pop_back();
  slots_[call.slot] = {header.id, &called, call.token, link, true};
  return call;
}

void call_intake::refuse(int link, const uuid& id, const error& why) {
  std::string header;
  wire::append_error_header(header, id, why);
  loop_.append(link, header, {});
}

void call_intake::end(std::span<const std::uint32_t> slots) {
  for (const std::uint32_t index : slots) {
    slots_[index].used = false;
    free_slots_.push_back(index);
  }
  answered_ += slots.size();
}

std::vector<wire::held_call> call_intake::in_flight(int link) const {
  std::vector<wire::held_call> calls;
  for (const slot& each : slots_) {
    if (each.used && each.link == link && calls.size() < told_max) {
      calls.push_back({each.id, *each.called, each.digest});
    }
  }
  return calls;
}

} // namespace troupe
