#include "runtime/worker/saga_calls.hpp"

#include <memory>

namespace troupe {

void saga_calls::add(group& from, const saga::outgoing::call& call, instant now) {
  if (free_.empty()) {
    free_.push_back(askers_.size());
    askers_.emplace_back();
  }
  const std::uint64_t index = free_.back();
  std::string header;
  wire::append_call_header(
      header,
      {.id = call.id,
       .to = call.capability,
       .op = call.operation,
       .key = call.key,
       .ttl = wire::ttl_of(call.timeout)});
  const auto scanned = wire::scan_header(header);
  const bool is_new = scanned
                      && calls_.add(
                          {.id = call.id,
                           .header = header,
                           .ttl_at = scanned->ttl_at,
                           .body = call.body,
                           .deadline = now + call.timeout,
                           .token = index});
  if (is_new) {
    free_.pop_back();
    askers_[index] = {&from, call.saga, call.token};
  }
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
      ended->is_loose && why && verdict_on(why->code).is_blind) {
    // The error is about this sending; an earlier one may have been handled.
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

void saga_calls::end(
    std::uint64_t index, bool failed, std::string_view body, transport::frame_ref frame) {
  const asker& to = askers_[index];
  item answer{.what = item::kind::saga_answered, .failed = failed};
  answer.saga = to.saga;
  answer.token = to.token;
  answer.body = body;
  answer.frame = std::move(frame);
  to.from->queues().push_internal(std::move(answer));
  free_.push_back(index);
}

void saga_calls::end_with(std::uint64_t index, const error& why) {
  auto bytes = std::make_shared<std::string>();
  wire::append_error(*bytes, why);
  const std::string_view body = *bytes;
  end(index, true, body, std::move(bytes));
}

} // namespace troupe
