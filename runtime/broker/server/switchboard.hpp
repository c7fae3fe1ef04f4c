#pragma once

#include "runtime/broker/calls/router.hpp"
#include "runtime/broker/events/event_service.hpp"
#include "runtime/broker/quarantine.hpp"
#include "runtime/broker/server/broker_log.hpp"
#include "runtime/broker/server/known_workers.hpp"
#include "runtime/broker/server/peer_sender.hpp"
#include "runtime/broker/server/queue_spans.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace troupe::broker {

/// Passes calls and replies to the router and carries out its decisions; tells the router and, in
/// the broker that keeps the journal, the event service about logins and losses of workers.
///
/// Belongs to the server's thread. The sender and the log outlive it.
class switchboard final : public event_links {
public:
  switchboard(peer_sender& out, broker_log& log, router_options options, instant now);

  /// Makes this the broker that keeps the journal; `join_workers` must follow for workers that are
  /// logged in already.
  void keep_journal(const clock& time, event_service_options options, const journal_state& state);

  /// For a shared journal: tells the event service, which has just started, about the logged-in
  /// workers.
  void join_workers(instant now);

  /// Gives up the journal to another broker: callers that wait for it here are told `why`.
  /// @return the journal, to be closed where that blocks nothing.
  given_up_journal give_up_journal(const error& why, instant now);

  /// The state of a shared journal, as far as this broker knows.
  std::optional<std::uint64_t> journal_generation() const { return shared_.generation; }

  void set_journal_generation(std::uint64_t generation) { shared_.generation = generation; }

  /// Turns on the recording of spans of calls. Before the loop runs; both outlive this.
  void keep_spans(const clock& time, observe::span_rings& rings) { spans_.emplace(time, rings); }

  /// The spans of calls; null before `keep_spans`.
  const observe::span_rings* spans() const { return spans_ ? &spans_->all() : nullptr; }

  void call(
      origin from,
      const wire::header_view& header,
      std::string_view bytes,
      std::string_view body,
      instant now);
  void reply(
      login_id from,
      const wire::header_view& header,
      std::string_view bytes,
      std::string_view body,
      instant now);
  /// @errors of `router::check`; nothing has changed then.
  outcome<void> state(login_id from, const wire::state& what, instant now);

  void pong(login_id from, const wire::pong& what, instant now) { router_.pong(from, what, now); }

  /// Asks the router whether a worker may log in; if so, `joined` follows once it is welcomed.
  /// @errors of `router::hello`.
  outcome<void> hello(login_id whom, const wire::hello& what, instant now);
  void joined(login_id whom, const wire::hello& what, instant now);

  /// Ends a worker's login. @param is_blamed whether it may have died of the calls that it had in
  /// hand.
  void leave(login_id whom, bool is_blamed, std::string_view why, instant now);

  /// Ends a client's login.
  void client_left(origin whom) { router_.client_left(whom); }

  /// The time at which `due` must be called next.
  instant next_due() const;
  void due(instant now);

  /// Refuses new calls from now on.
  void drain() { router_.drain(); }

  /// Whether no caller waits for a call, and nothing waits for the disk.
  bool is_done() const { return router_.waited_for() == 0 && (!events_ || events_->is_done()); }

  const router& calls() const { return router_; }

  /// The event service; null in a broker that keeps no journal.
  event_service* events() { return events_.get(); }

  // event_links
  void pass_answer(origin to, std::string_view header, std::string_view body) override;
  void pass_refusal(origin to, const uuid& id, const error& why) override;
  void pass_message(login_id to, std::string_view header, std::string_view body) override;
  void report(log_event event, instant now) override;

  bool is_placed_at(login_id whom, std::string_view capability) const override {
    return router_.is_placed_at(whom, capability);
  }

private:
  void carry_out(instant now);
  void follow_quarantine(instant now);

  peer_sender& out_;
  broker_log& log_;
  quarantine quarantine_;
  cut_links cuts_;
  router router_;
  decisions decisions_;
  std::unique_ptr<event_service> events_;

  struct {
    std::optional<std::uint64_t> generation;
    known_workers workers;
  } shared_; // Where brokers share the journal.

  std::optional<queue_spans> spans_;
  std::vector<forget> left_; // Logins that ended, for the event service. Reused.

  struct {
    instant ticked;
    std::uint64_t changes = 0; // Of the quarantine, as router and bus have heard of them.
  } followed_;
};

} // namespace troupe::broker
