#pragma once

#include "runtime/broker/events/group/assignment.hpp"
#include "runtime/broker/events/group/backlog.hpp"
#include "runtime/broker/events/group/isolation.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::broker {

/// Decides which worker gets which events of one subscribed capability, and when. Pure: no socket,
/// no clock, no thread, no database. The rules and their reasons are in events/README.md.
///
/// Events are offered in order of position. Each is in one of 64 partitions; a partition belongs to
/// one worker at a time, under an epoch, from the moment its database has that epoch (`assigned`).
/// The events are in the `backlog`, the workers in the `assignment`.
class subscriber {
public:
  /// @param start everything up to these positions is handled, by partition.
  /// @param dead positions that are dead letters already.
  /// @param quarantine, cuts outlive this.
  subscriber(
      subscriber_options options,
      const std::array<std::uint64_t, 64>& start,
      std::vector<std::uint64_t> dead,
      quarantine& quarantine,
      cut_links& cuts);

  const std::string& capability() const { return options_.capability; }

  const std::vector<std::string>& patterns() const { return options_.patterns; }

  bool wants(std::string_view topic) const;

  /// The events it holds, and the room for more.
  const tracked_events& held() const { return events_.held(); }

  /// The next event it has to be offered has a position above this.
  std::uint64_t scanned() const { return scanned_; }

  /// Offers the next event that it subscribes to. Events offered before change nothing.
  void offer(const event_ref& what, instant now, event_decisions& out);
  /// Notes that there is nothing for it from `scanned()` up to `position`.
  void passed(std::uint64_t position);

  /// Answers `fetch_events`: the events found, and positions that are no longer in the journal.
  void fetched(
      const std::vector<event_ref>& found,
      const std::vector<std::uint64_t>& missing,
      instant now,
      event_decisions& out);

  /// A worker that serves the capability logged in. `credit`: the events that it may have at once.
  void joined(
      login_id login,
      std::string_view node,
      const uuid& incarnation,
      std::uint32_t credit,
      instant now,
      event_decisions& out);
  /// @param is_blamed whether it may have died of an event in hand.
  void left(login_id login, bool is_blamed, instant now, event_decisions& out);
  /// Sets a worker's credit. With 0 (it drains, is down, or its breaker is open) it is sent nothing
  /// more, and its waiting events go to other workers.
  void credit(login_id login, std::uint32_t credit, instant now, event_decisions& out);

  void assigned(login_id from, const wire::assigned& state, instant now, event_decisions& out);
  void handled(login_id from, const wire::handled& what, instant now, event_decisions& out);
  /// The dead letters are on disk.
  void dead_letters_written(
      const std::vector<std::uint64_t>& positions, instant now, event_decisions& out);
  /// The quarantine has changed: a suspect of this subscriber may have its turn.
  void follow_quarantine(instant now, event_decisions& out);

  void tick(instant now, event_decisions& out) { settle(now, out); }

  /// The position up to which every event is handled or a dead letter, for each partition. The
  /// journal keeps these positions, and retention may delete the events up to them.
  std::array<std::uint64_t, 64> cursors() const;

  /// The position that the capability's database has passed for certain, by partition. A database
  /// that is later below it is a restored backup. (A cursor also passes events of other partitions,
  /// and says nothing about the database.)
  std::array<std::uint64_t, 64> reached() const;

  /// Events of this subscriber that the worker has.
  std::uint32_t in_flight(login_id whom) const;

  struct worker_status {
    std::string node;
    std::uint32_t partitions = 0;
    std::uint32_t in_flight = 0;
  };

  struct status : backlog::counters {
    /// The events held in memory and not with a worker.
    std::size_t waiting = 0;
    std::size_t in_flight = 0;
    std::size_t retrying = 0;
    /// The time of the oldest event in memory that is not handled, in milliseconds since 1970; 0 if
    /// none.
    std::int64_t oldest_time = 0;
    std::vector<worker_status> workers;
    /// The reason why it stands still, if a person must act; else empty.
    std::string trouble;
  };

  status look() const;

private:
  /// Every input ends with this, since workers may need a message or events after it.
  void settle(instant now, event_decisions& out);
  void wake(std::uint32_t partition);
  void pump_all(instant now, event_decisions& out);
  void pump(event_worker& to, instant now, event_decisions& out);
  void rebalance(instant now, event_decisions& out);
  void give_if_idle(std::uint32_t partition);
  void lose(std::uint32_t worker, bool is_blamed, instant now, event_decisions& out);
  void
  take_over(const wire::partition_state& state, login_id from, instant now, event_decisions& out);
  void refuse_all(std::uint32_t worker, std::uint64_t epoch, std::string why, event_decisions& out);
  void give_again(std::uint32_t worker, const wire::assigned& state, event_decisions& out);
  void report_trouble(std::string why, event_decisions& out);
  void tell_dead_in(std::uint32_t partition, std::uint64_t position, event_decisions& out);

  subscriber_options options_;
  backlog events_;
  assignment workers_;
  isolation isolation_;
  std::uint64_t scanned_ = 0;
  std::uint64_t top_ = 0; // The highest position the journal is known to have.
  std::string trouble_;
};

} // namespace troupe::broker
