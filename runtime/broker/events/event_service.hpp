#pragma once

#include "runtime/broker/events/batch_hold.hpp"
#include "runtime/broker/events/bus.hpp"
#include "runtime/broker/events/due_alarm.hpp"
#include "runtime/broker/events/event_gauge.hpp"
#include "runtime/broker/events/event_links.hpp"
#include "runtime/broker/events/journal_client.hpp"
#include "runtime/broker/events/operations.hpp"
#include "runtime/settled_time.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::broker {

struct event_service_options {
  std::unique_ptr<journal> kept;
  bus_options bus;
  std::vector<retention_rule> rules;
  std::size_t body_bytes_max = 1U << 20U;
};

/// A journal that is not used any more, and its confirmed positions.
struct given_up_journal {
  std::unique_ptr<journal> kept;
  /// The highest position that was on disk for certain, and the lives that wrote the positions up
  /// to it.
  std::uint64_t last = 0;
  lineage lives{};
};

/// The shell around the bus, in the broker that keeps the journal: carries out the bus's decisions,
/// passes writes and reads to the journal's threads, and calls of `troupe.events` to `operations`.
/// Confined to the thread of its server.
class event_service {
public:
  /// @param time, links, alone, cuts outlive this.
  event_service(
      const clock& time,
      event_links& links,
      quarantine& quarantine,
      cut_links& cuts,
      event_service_options options,
      const journal_state& state);

  void publish(origin from, const wire::header_view& header, std::string_view body, instant now);

  /// A call to `troupe.events`. @param connection over which it came.
  void call(
      origin from,
      const wire::header_view& header,
      std::string_view body,
      int connection,
      instant now) {
    operations_.call(from, header, body, connection, now);
  }

  /// The connection of this number has ended; another one may have the number by now.
  void connection_ended(int connection) { operations_.connection_ended(connection); }

  /// Handles OUTBOX, RELAY, ASSIGNED or HANDLED, from a logged-in worker.
  /// @errors `invalid`: the body is not a message of that kind; `forbidden`: an outbox of a
  /// capability that the topology does not place on the worker's node. Nothing happened.
  outcome<void>
  worker_said(login_id from, const wire::header_view& header, std::string_view body, instant now);

  void joined(login_id login, const wire::hello& hello, instant now);
  void left(login_id login, bool is_blamed, instant now);
  void state(login_id login, const wire::state& state, instant now);
  /// The quarantine has changed.
  void follow_quarantine(instant now);

  /// The time at which `due` must be called next.
  instant next_due(instant tick_at) const;
  void due(instant now);
  void tick(instant now);

  event_gauge& gauge() { return gauge_; }

  /// Whether a shared journal must be given up (`journal::is_lost`).
  bool is_lost() const { return journal_.is_lost(); }

  /// Refuses all waiting callers with `why`, and returns the journal: only the destructor may
  /// follow.
  given_up_journal give_up(const error& why, instant now);

  /// Whether no caller waits for the disk.
  bool is_done() const { return bus_.incoming().is_done(); }

private:
  outcome<void> outbox(login_id from, std::string_view body, instant now);
  void carry_out(instant now);
  void carry_out(const deliver_event& what);
  void carry_out(const read_journal& what, instant now);
  void carry_out(const fetch_events& what, instant now);
  template <class Message>
  void send(login_id to, wire::kind kind, const Message& message);
  void written(const outcome<journal_result>& how, instant now);
  void publish_due(instant now);
  void sweep(instant now);
  std::int64_t wall_ms() const;

  const clock& time_;
  event_links& links_;
  bus bus_;
  journal_client journal_;
  operations operations_;
  event_gauge gauge_;
  batch_hold hold_;
  due_alarm due_;
  settled_time settled_;
  std::int64_t settled_ms_; // The settled time, as of the last tick.
  event_decisions decided_;
  event_decisions spare_;

  struct {
    std::vector<retention_rule> rules;
    instant at{};            // The next one; the end of time while one is under way.
    bool has_failed = false; // The last one.
  } sweeps_;

  /// The message that is being sent. Reused.
  struct {
    std::string header;
    std::string body;
  } said_;
};

} // namespace troupe::broker
