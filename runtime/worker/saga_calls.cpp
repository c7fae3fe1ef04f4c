#include "runtime/worker/saga_calls.hpp"

#include <fmt/format.h>
#include <memory>

namespace troupe {

void saga_calls::add(group& from, const saga::outgoing::call& call, instant now) {
  const asker to{&from, call.saga, call.token};
  std::string header;
  wire::append_call_header(
      header,
      {.id = call.id,
       .to = call.capability,
       .op = call.operation,
       .key = call.key,
       .ttl = wire::ttl_of(call.timeout),
       .traceparent = call.trace});
  const auto scanned = wire::scan_header(header);
  if (!scanned) {
    return tell(to, scanned.error());
  }
  calls::pending_calls::new_call request{
      .id = call.id,
      .header = header,
      .ttl_at = scanned->ttl_at,
      .body = call.body,
      .deadline = now + call.timeout};
  if (const auto out = calls_.find(call.id)) {
    asker& before = askers_[out->token];
    request.token = out->token;
    if (before.from == &from && before.saga == call.saga && calls_.adopt(request)) {
      before.token = call.token;
      return;
    }
    return tell(
        to,
        {.code = errc::unavailable,
         .message = fmt::format(
             "another request to `{}` is out under the id {}; this one waits for its end",
             call.capability,
             to_string(call.id))});
  }
  if (free_.empty()) {
    free_.push_back(askers_.size());
    askers_.emplace_back();
  }
  request.token = free_.back();
  free_.pop_back();
  askers_[request.token] = to;
  (void)calls_.add(request); // Its id is not outstanding.
}

void saga_calls::send(instant now) {
  calls::pending_calls::outgoing out;
  while (calls_.next_to_send(now, out)) {
    loop_.append(out.link, out.header, out.body);
  }
}

void saga_calls::take_reply(
    const wire::header_view& header, std::string_view body, const transport::frame_ref& frame) {
  const auto ended = calls_.answered(header.id);
  if (!ended) {
    return;
  }
  if (header.status != wire::status::error) {
    return end(ended->token, false, body, frame);
  }
  if (auto why = wire::read_error(header.error);
      ended->is_loose && why && verdict_on(why->code).is_blind && !why->is_final) {
    // The error is about this transmission; an earlier one may have been handled.
    why->possible = effect::unknown;
    return end_with(ended->token, *why);
  }
  end(ended->token, true, header.error, frame);
}

void saga_calls::expire(instant now) {
  expired_.clear();
  calls_.expire(now, expired_);
  for (const calls::pending_calls::ended& each : expired_) {
    end_with(
        each.token,
        {.code = errc::deadline_exceeded,
         .possible = each.is_loose ? effect::unknown : effect::none,
         .message = "no answer in time"});
  }
  send(now);
}

void saga_calls::tell(
    const asker& to, bool failed, std::string_view body, transport::frame_ref frame) {
  item answer{.what = item::kind::saga_answered, .failed = failed};
  answer.saga = to.saga;
  answer.token = to.token;
  answer.body = body;
  answer.frame = std::move(frame);
  to.from->queues().push_internal(std::move(answer));
}

void saga_calls::tell(const asker& to, const error& why) {
  auto bytes = std::make_shared<std::string>();
  wire::append_error(*bytes, why);
  const std::string_view body = *bytes;
  tell(to, true, body, std::move(bytes));
}

void saga_calls::end(
    std::uint64_t index, bool failed, std::string_view body, transport::frame_ref frame) {
  tell(askers_[index], failed, body, std::move(frame));
  free_.push_back(index);
}

void saga_calls::end_with(std::uint64_t index, const error& why) {
  tell(askers_[index], why);
  free_.push_back(index);
}

} // namespace troupe
