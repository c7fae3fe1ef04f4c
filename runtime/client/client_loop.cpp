#include "runtime/client/client_loop.hpp"

#include "runtime/contains.hpp"
#include "runtime/wire/batch.hpp"
#include "runtime/wire/departure.hpp"
#include "runtime/wire/envelope.hpp"
#include "runtime/wire/journal_calls.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <unistd.h>

namespace troupe::client {

namespace {

// The wait after a refusal without `retry_after`: `retry_first`, doubled each time, at most
// `retry_most`.
constexpr milliseconds retry_first{20};
constexpr milliseconds retry_most{1000};

error deadline_error(bool may_have_effect, const link_trouble& trouble) {
  error why{
      .code = errc::deadline_exceeded,
      .possible = may_have_effect ? effect::unknown : effect::none,
      .message = may_have_effect
                     ? "no answer in time; ask again with the same id to learn what happened"
                     : "the call could not be sent in time; it had no effect"};
  if (!trouble.text.empty()) {
    why.message += " (" + trouble.text + ")";
  }
  if (!trouble.refusal.empty()) {
    why.details.emplace_back("login_refused", trouble.refusal);
  }
  return why;
}

/// Whether another broker has the journal, and this client has, or will have, a link to it.
bool may_reach_journal(const error& why, const std::vector<std::string>& brokers, int links) {
  if (why.code != errc::unavailable || why.detail("broker").empty()) {
    return false;
  }
  if (why.detail("reason") == wire::journal_elsewhere) {
    const std::string_view endpoint = why.detail("endpoint");
    // Without an endpoint no broker has it yet.
    return endpoint.empty() || contains(brokers, endpoint);
  }
  return links < static_cast<int>(brokers.size());
}

uuid make_incarnation(const clock& clock) {
  return uuid_source{}.next(clock.wall());
}

} // namespace

client_loop::client_loop(
    const options& settings,
    transport::context& zmq,
    const clock& clock,
    submission_queue& submissions,
    completion_queue& completions)
    : settings_{settings}, submissions_{submissions}, completions_{completions},
      peers_{
          zmq,
          clock,
          {.brokers = settings.brokers,
           .heartbeat = settings.heartbeat,
           .body_bytes_max = settings.body_bytes_max,
           .keys = settings.keys},
          submissions.waker()},
      table_{static_cast<int>(settings.brokers.size()), clock.now()}, incarnation_{make_incarnation(
                                                                          clock)},
      links_{settings.brokers.size()}, jitter_{digest_of(incarnation_.bytes)} {
}

void client_loop::run() {
  peers_.run(*this);
  end_all();
}

void client_loop::close(instant at_latest) {
  close_at_.store(at_latest.time_since_epoch().count());
  submissions_.waker().ring();
}

wire::hello client_loop::hello(int) {
  wire::hello hello;
  hello.role = "client";
  hello.node = settings_.name;
  hello.incarnation = incarnation_;
  hello.batch = true;
  hello.pid = static_cast<std::uint64_t>(::getpid());
  hello.body_bytes_max = wire::carried_bytes_max(settings_.body_bytes_max);
  return hello;
}

void client_loop::welcomed(int link, const wire::welcome& said, instant now) {
  links_.up(link, said.body_bytes_max == 0 ? settings_.body_bytes_max : said.body_bytes_max);
  table_.link_up(link, said);
  send_waiting(now);
}

void client_loop::refused(int link, const error& why, instant) {
  links_.refused(settings_.brokers[static_cast<std::size_t>(link)], why);
}

void client_loop::lost(int link, std::string_view why, instant now) {
  links_.down(link, settings_.brokers[static_cast<std::size_t>(link)], why);
  table_.link_lost(link);
  send_waiting(now);
}

void client_loop::send_waiting(instant now) {
  calls::pending_calls::outgoing out;
  while (table_.next_to_send(now, out)) {
    auto fits = wire::check_departure(
        {.what = "the call", .body_bytes = out.body.size()}, links_.body_bytes_max(out.link));
    if (fits) {
      peers_.append(out.link, out.header, out.body);
      continue;
    }
    // A call that is too large would cut the link, and all other calls with it, on every attempt.
    if (const auto header = wire::scan_header(out.header)) {
      if (const auto call = table_.answered(header->id)) {
        if (call->is_loose) {
          // The call was sent before, to a broker that accepts larger bodies.
          fits.error().possible = effect::unknown;
        }
        end(*call, failure{std::move(fits.error())});
      }
    }
  }
  publish();
}

void client_loop::received(
    int link,
    std::string_view header,
    std::string_view body,
    const transport::frame_ref& frame,
    instant now) {
  uuid id;
  if (ok_reply_.matches(header, id)) {
    return end_answered(id, frame, body);
  }
  const auto scanned = wire::scan_header(header);
  if (!scanned) {
    return; // The envelope has no id to answer; a call that it belonged to ends by its deadline.
  }
  if (scanned->kind == wire::kind::bye) {
    return peers_.renew(link);
  }
  if (scanned->kind == wire::kind::welcome) {
    if (const auto said = wire::checked_decode<wire::welcome>(body)) {
      table_.told(link, *said); // The journal has moved.
      send_waiting(now);
    }
    return;
  }
  if (scanned->kind != wire::kind::reply) {
    return; // A PING needs no further handling.
  }
  if (scanned->status == wire::status::ok) {
    return end_answered(scanned->id, frame, body);
  }
  if (scanned->status == wire::status::error) {
    if (scanned->id == uuid{}) {
      // The error is not about a call: the broker does not know this login, or the message it just
      // received.
      const auto why = wire::read_error(scanned->error);
      return why && why->code == errc::unauthenticated ? peers_.renew(link) : void();
    }
    if (const auto call = table_.find(scanned->id)) {
      take_error(*scanned, *call, now);
    }
  }
}

void client_loop::end_answered(
    const uuid& id, const transport::frame_ref& frame, std::string_view body) {
  if (const auto call = table_.answered(id)) {
    end(*call, reply_body{frame, body});
  }
}

instant client_loop::retry_time(const error& why, std::uint32_t retries, instant now) {
  const milliseconds wait =
      why.retry_after.value_or(backoff_after(retries + 1, retry_first, retry_most));
  return now + jitter_.stretch(std::max(wait, milliseconds{1}), 0.5);
}

void client_loop::take_error(
    const wire::header_view& header, const calls::pending_calls::ended& call, instant now) {
  auto read = wire::read_error(header.error);
  error why = read
                  ? std::move(*read)
                  : internal_error("the broker sent an error that cannot be read", effect::unknown);
  // A call that a lost link may have delivered is tried until its deadline, patient or not; as is
  // one that went to the wrong broker, while the right one may yet be reached.
  const bool is_patient = (call.flags & flag_patient) != 0 || call.is_loose
                          || ((call.flags & flag_journal) != 0
                              && may_reach_journal(why, settings_.brokers, links_.count()));
  if (is_patient && verdict_on(why.code).asks_for_patience && !why.is_final
      && table_.retry(call.id, retry_time(why, call.retries, now), why.possible)) {
    return;
  }
  if (call.is_loose && verdict_on(why.code).is_blind && !why.is_final) {
    why.possible = effect::unknown;
  }
  if (const auto ended = table_.answered(call.id)) {
    end(*ended, failure{std::move(why)});
  }
}

void client_loop::end(const calls::pending_calls::ended& call, outcome<reply_body>&& answer) {
  ++finished_;
  if ((call.flags & flag_waiter) == 0) {
    done_.push_back({call.id, call.token, std::move(answer)});
    return;
  }
  // The token is the address of the caller's `waiting_thread`, which lives until it is answered.
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  completions_.answer(*reinterpret_cast<waiting_thread*>(call.token), std::move(answer));
  submissions_.ended(1);
}

void client_loop::publish() {
  if (!done_.empty()) {
    completions_.push(done_);
  }
}

void client_loop::frame_done(instant) {
  publish();
}

void client_loop::commands(instant now) {
  submissions_.take_all(taken_);
  for (submitted_batch& batch : taken_) {
    take(batch, now);
  }
  publish();
  stop_if_done(now);
}

void client_loop::take(submitted_batch& batch, instant now) {
  const int link = table_.link();
  // Ids of callers may be outstanding, and calls for the journal may have another link.
  if (link < 0 || batch.has_own_ids || batch.body_bytes_most > links_.body_bytes_max(link)
      || (batch.has_journal_calls && link != table_.journal_link())) {
    return take_one_by_one(batch, now);
  }
  char* const start = batch.frame.frame().data();
  wire::batch_reader envelopes{batch.frame.frame()};
  wire::envelope_view envelope;
  for (const submitted_batch::call& call : batch.calls) {
    (void)envelopes.next(envelope);
    char* const header = start + (envelope.header.data() - start);
    wire::patch_ttl(header, call.ttl_at, calls::pending_calls::ttl_of(call.deadline, now));
    // Ids made by the client are never outstanding twice.
    (void)table_.add_sent(
        {call.id,
         envelope.header,
         call.ttl_at,
         envelope.body,
         call.deadline,
         call.token,
         call.flags,
         (call.flags & flag_journal) != 0});
  }
  // A link that accepts nothing more is dropped at the end of the pass, and the calls are sent
  // again.
  (void)peers_.send_batch(link, batch.frame.frame());
}

void client_loop::take_one_by_one(submitted_batch& batch, instant now) {
  wire::batch_reader envelopes{batch.frame.frame()};
  wire::envelope_view envelope;
  for (const submitted_batch::call& call : batch.calls) {
    (void)envelopes.next(envelope);
    const bool is_new = table_.add(
        {call.id,
         envelope.header,
         call.ttl_at,
         envelope.body,
         call.deadline,
         call.token,
         call.flags,
         (call.flags & flag_journal) != 0});
    if (!is_new) {
      end({call.id, call.token, call.flags, false, 0},
          failure{
              {.code = errc::conflict,
               .message = "a call with this id is outstanding already; wait for its answer"}});
    }
  }
  send_waiting(now);
}

wire::pong client_loop::progress(instant) {
  return {finished_, 0};
}

instant client_loop::next_due() const {
  const instant close_at{instant::duration{close_at_.load(std::memory_order_relaxed)}};
  return std::min(table_.next_due(), close_at);
}

void client_loop::due(instant now) {
  end_expired(now);
  send_waiting(now);
  publish();
  if (is_closing()) {
    commands(now); // Process the commands still in the queue before ending.
  }
}

void client_loop::end_expired(instant now) {
  ended_.clear();
  table_.expire(now, ended_);
  if (ended_.empty()) {
    return;
  }
  link_trouble trouble;
  if (table_.link() < 0) {
    trouble = links_.last_trouble();
    if (trouble.text.empty()) {
      trouble.text = fmt::format("no broker answers at {}", fmt::join(settings_.brokers, ", "));
    }
  }
  for (const auto& call : ended_) {
    end(call, failure{deadline_error(call.is_loose, trouble)});
  }
}

bool client_loop::is_closing() const {
  return close_at_.load(std::memory_order_relaxed) != instant::max().time_since_epoch().count();
}

void client_loop::stop_if_done(instant now) {
  const bool is_late = now.time_since_epoch().count() >= close_at_.load(std::memory_order_relaxed);
  if (is_closing() && (table_.size() == 0 || is_late)) {
    peers_.stop();
  }
}

void client_loop::end_all() {
  submissions_.take_all(taken_);
  for (submitted_batch& batch : taken_) {
    for (const submitted_batch::call& call : batch.calls) {
      end({call.id, call.token, call.flags, false, 0},
          failure{
              {.code = errc::unavailable, .message = "the client was closed before it was sent"}});
    }
  }
  ended_.clear();
  table_.end_all(ended_);
  for (const auto& call : ended_) {
    end(call,
        failure{
            {.code = errc::unavailable,
             .possible = call.is_loose ? effect::unknown : effect::none,
             .message = "the client was closed before the answer came"}});
  }
  publish();
  completions_.close();
}

} // namespace troupe::client
