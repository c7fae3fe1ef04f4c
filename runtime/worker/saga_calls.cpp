#include "runtime/worker/worker_loop.hpp"

// The calls and timers of this worker's sagas.

namespace troupe {

void worker_loop::make_call(std::size_t group, saga::outgoing::call& call, instant now) {
  if (free_saga_calls_.empty()) {
    free_saga_calls_.push_back(saga_calls_.size());
    saga_calls_.emplace_back();
  }
  const std::uint64_t index = free_saga_calls_.back();
  std::string header;
  wire::append_call_header(
      header,
      {.id = call.id,
       .to = call.capability,
       .op = call.operation,
       .key = call.key,
       .ttl = wire::ttl_of(call.timeout)});
  const auto scanned = wire::scan_header(header);
  const bool added = scanned
                     && calls_.add(
                         {.id = call.id,
                          .header = header,
                          .ttl_at = scanned->ttl_at,
                          .body = call.body,
                          .deadline = now + call.timeout,
                          .token = index});
  if (!added) {
    return; // Out already, under this very id: its answer will do, and a timer asks again.
  }
  free_saga_calls_.pop_back();
  saga_calls_[index] = {group, call.saga, call.token};
}

void worker_loop::send_calls(instant now) {
  calls::pending_calls::outgoing out;
  while (calls_.next_to_send(now, out)) {
    loop_.append(out.link, out.header, out.body);
  }
}

void worker_loop::take_reply(
    const wire::header_view& header, std::string_view body, const transport::frame_ref& frame) {
  const auto ended = calls_.answered(header.id);
  if (!ended) {
    return;
  }
  const saga_call& to = saga_calls_[ended->token];
  if (header.status != wire::status::error) {
    tell_saga(to, false, body, frame);
  } else if (auto why = wire::read_error(header.error);
             ended->is_loose && why && verdict_on(why->code).is_blind) {
    // Who says so knows nothing of the other times it was sent.
    why->possible = effect::unknown;
    auto bytes = std::make_shared<std::string>();
    wire::append_error(*bytes, *why);
    tell_saga(to, true, *bytes, bytes);
  } else {
    tell_saga(to, true, header.error, frame);
  }
  free_saga_calls_.push_back(ended->token);
}

void worker_loop::tell_saga(
    const saga_call& call, bool failed, std::string_view body, const transport::frame_ref& frame) {
  item answer{.what = item::kind::saga_answered, .failed = failed};
  answer.saga = call.saga;
  answer.token = call.token;
  answer.body = body;
  answer.frame = frame;
  groups_[call.group]->front().push_internal(std::move(answer));
}

void worker_loop::expire_calls(instant now) {
  expired_.clear();
  calls_.expire(now, expired_);
  for (const calls::pending_calls::ended& each : expired_) {
    auto bytes = std::make_shared<std::string>();
    wire::append_error(
        *bytes,
        {.code = errc::deadline_exceeded,
         .possible = each.is_loose ? effect::unknown : effect::none,
         .message = "no answer in time"});
    const std::string_view view = *bytes;
    tell_saga(saga_calls_[each.token], true, view, bytes);
    free_saga_calls_.push_back(each.token);
  }
  send_calls(now);
}

void worker_loop::queue_due(instant now) {
  for (; !later_.empty() && later_.begin()->first <= now; later_.erase(later_.begin())) {
    auto& [group, waiting] = later_.begin()->second;
    groups_[group]->front().push_internal(std::move(waiting));
  }
}

} // namespace troupe
