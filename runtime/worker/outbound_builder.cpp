#include "runtime/worker/outbound_builder.hpp"

#include "runtime/wire/departure.hpp"
#include "runtime/wire/limits.hpp"

#include <utility>

namespace troupe {

namespace {

error error_in(std::string_view bytes) {
  auto why = wire::read_error(bytes);
  return why ? std::move(*why) : internal_error("the stored error is unreadable");
}

} // namespace

outbound_builder::outbound_builder(group& of, runner_metrics& metrics)
    : group_{of}, metrics_{metrics}, batches_(static_cast<std::size_t>(of.parts().links)) {
}

/// Orders of people are no calls of the capability.
void outbound_builder::count(const item& answered, std::size_t outcome) {
  if (is_call(answered)) {
    metrics_.operation(answered.operation_number).outcomes[outcome].add();
  }
}

/// Writes one envelope straight into the frame of a link. A frame has a bound (wire/limits.hpp),
/// beyond which ZeroMQ would cut the connection: a full one is closed.
template <class WriteHeader>
void outbound_builder::write_to(int link, std::string_view body, const WriteHeader& write_header) {
  wire::batch_writer& out = batches_[static_cast<std::size_t>(link)];
  const std::size_t at = out.begin();
  write_header(out.frame());
  out.begin_body(at);
  out.frame().append(body);
  out.end(at);
  if (out.bytes() > wire::batch_bytes_target) {
    out_.replies.push_back({link, out.take()});
  }
}

void outbound_builder::reply(const item& to, answer::kind is, std::string_view bytes) {
  const std::size_t carried = wire::carried_bytes_max(group_.parts().body_bytes_max);
  const auto fits = is_order(to) && bytes.size() <= carried
                        ? outcome<void>{} // `limits.body` is for calls of capabilities.
                        : group_.check_answer(bytes.size(), effect::unknown);
  if (!fits) {
    return reply_error(to, fits.error()); // The answer was stored when larger bodies were allowed.
  }
  const bool later = is == answer::kind::pending;
  write_to(to.link, later ? std::string_view{} : bytes, [&](std::string& frame) {
    wire::append_reply_header(frame, to.id, later ? wire::status::pending : wire::status::ok);
  });
  out_.slots.push_back(to.slot);
  count(to, later ? call_outcome::pending : call_outcome::ok);
}

void outbound_builder::reply_error(const item& to, const error& why) {
  if (to.may_be_done && why.possible == effect::none) {
    error unknown = why;
    unknown.possible = effect::unknown;
    return reply_error(to, unknown);
  }
  write_to(to.link, {}, [&](std::string& frame) { wire::append_error_header(frame, to.id, why); });
  out_.slots.push_back(to.slot);
  count(to, call_outcome::of(why.code));
  group_.counters().failed.fetch_add(1, std::memory_order_relaxed);
}

void outbound_builder::reply_with(const item& to, const answer& result) {
  if (result.is == answer::kind::error) {
    reply_error(to, error_in(result.bytes));
  } else {
    reply(to, result.is, result.bytes);
  }
}

void outbound_builder::answer_pending(const saga::outgoing::answer& late) {
  header_.clear();
  const auto fits = group_.check_answer(late.bytes.size(), effect::unknown);
  if (fits && !late.failed) {
    wire::append_reply_header(header_, late.call, wire::status::ok);
    everywhere_.append(header_, late.bytes);
  } else {
    wire::append_error_header(header_, late.call, fits ? error_in(late.bytes) : fits.error());
    everywhere_.append(header_, {});
  }
  if (everywhere_.bytes() > wire::batch_bytes_target) {
    out_.everywhere.push_back(everywhere_.take());
  }
}

void outbound_builder::append(int link, wire::kind kind, std::string_view body) {
  write_to(link, body, [&](std::string& frame) { wire::append_plain_header(frame, kind); });
}

void outbound_builder::relay(int link, const store::outbox_view& event) {
  write_to(link, event.body, [&](std::string& frame) {
    wire::append_event_header(
        frame,
        {.kind = wire::kind::relay,
         .id = event.id,
         .to = group_.name(),
         .topic = event.topic,
         .key = event.key,
         .traceparent = event.trace,
         .seq = event.seq});
  });
}

void outbound_builder::send() {
  for (std::size_t link = 0; link < batches_.size(); ++link) {
    if (!batches_[link].empty()) {
      out_.replies.push_back({static_cast<int>(link), batches_[link].take()});
    }
  }
  if (!everywhere_.empty()) {
    out_.everywhere.push_back(everywhere_.take());
  }
  const auto answered = static_cast<std::int64_t>(out_.slots.size());
  group_.counters().answered.fetch_add(
      static_cast<std::uint64_t>(answered), std::memory_order_relaxed);
  out_.from = &group_;
  out_.changed = group_.take_changed();
  group_.parts().inlet.push_reserved(std::exchange(out_, {}));
}

} // namespace troupe
