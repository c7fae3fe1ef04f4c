#pragma once

#include "runtime/broker/bus_actions.hpp"
#include "runtime/broker/journal_types.hpp"
#include "runtime/clock.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::broker {

struct event_group_options {
  std::string capability;
  /// Patterns of the topics it subscribes to.
  std::vector<std::string> patterns;
  /// Events held in memory for it at most: waiting, with workers, and postponed.
  std::size_t window_events = 8'192;
  std::size_t window_bytes = 8U << 20U;
  /// Before the first repetition of an event that failed, and before the later ones at most.
  milliseconds backoff_min{100};
  milliseconds backoff_max{30'000};
  /// Of the first epoch: the journal's generation << 32.
  std::uint64_t epoch_base = 0;
  /// Of the jitter.
  std::uint64_t seed = 0;
};

/// Decides which worker gets which events of one subscribed capability, and when. Pure: no socket,
/// no clock, no thread, no database. The rules and their reasons are in BUS.md.
///
/// Events are offered in order of position. Each is in one of 64 partitions; a partition belongs to
/// one worker at a time, under an epoch, from the moment its database has that epoch (`assigned`).
class event_group {
public:
  /// @param start everything up to these positions is handled, by partition.
  /// @param graves positions that are dead letters already.
  event_group(
      event_group_options options,
      const std::array<std::uint64_t, 64>& start,
      std::vector<std::uint64_t> graves);

  const std::string& capability() const { return options_.capability; }

  bool wants(std::string_view topic) const;

  /// The next event it has to be offered has a position above this.
  std::uint64_t scanned() const;
  /// Whether another event may be offered now.
  bool has_room() const;
  /// The next event that it wants. Ones it was offered before change nothing.
  void offer(const event_ref& what, instant now, group_decisions& out);
  /// There is nothing for it from `scanned()` up to here.
  void passed(std::uint64_t position);
  /// Answers `fetch`: what was found, and what is no longer in the journal.
  void fetched(
      const std::vector<event_ref>& found,
      const std::vector<std::uint64_t>& missing,
      instant now,
      group_decisions& out);

  /// A worker that serves the capability logged in. `credit`: events it may have at once.
  void joined(
      session login,
      std::string_view node,
      const uuid& incarnation,
      std::uint32_t credit,
      instant now,
      group_decisions& out);
  /// @param is_blamed it may have died of what it had in hand.
  void left(session login, bool is_blamed, instant now, group_decisions& out);
  /// 0: nothing more is sent, and what it has not begun goes to others: draining, down, breaker
  /// open.
  void credit(session login, std::uint32_t credit, instant now, group_decisions& out);

  void assigned(session from, const wire::assigned& state, instant now, group_decisions& out);
  void handled(session from, const wire::handled& what, instant now, group_decisions& out);
  /// The dead letters are on disk.
  void buried(const std::vector<std::uint64_t>& positions, instant now, group_decisions& out);
  /// The worker's node has nothing else in hand now.
  void isolated(session whom, instant now, group_decisions& out);
  void tick(instant now, group_decisions& out);

  /// By partition: everything up to here is handled, or a dead letter. What may be persisted, and
  /// what retention may delete.
  std::array<std::uint64_t, 64> cursors() const;

  struct worker_status {
    std::string node;
    std::uint32_t partitions = 0;
    std::uint32_t in_flight = 0;
  };

  struct status {
    /// Held in memory and not with a worker.
    std::size_t waiting = 0;
    std::size_t in_flight = 0;
    std::size_t retrying = 0;
    std::uint64_t delivered = 0;
    std::uint64_t handled = 0;
    std::uint64_t buried = 0;
    /// Of the oldest event in memory that is not handled, in milliseconds since 1970; 0 if none.
    std::int64_t oldest_time = 0;
    std::vector<worker_status> workers;
    /// Why it does not go on, if somebody has to look; else empty.
    std::string trouble;
  };

  status look() const;

private:
  event_group_options options_;
};

} // namespace troupe::broker
