#pragma once

#include "runtime/backoff.hpp"
#include "runtime/broker/blame_book.hpp"
#include "runtime/broker/events/actions.hpp"
#include "runtime/broker/events/group/held_events.hpp"
#include "runtime/broker/events/group/partition.hpp"
#include "runtime/broker/events/group/postponed_events.hpp"
#include "runtime/clock.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <queue>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::broker {

struct subscriber_options {
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
  /// The highest position in the journal when it was opened.
  std::uint64_t journal_last = 0;
  /// By partition: what `subscriber::reached` said last, as far as that was kept. 0: not known.
  std::array<std::uint64_t, 64> reached{};
};

/// Decides which worker gets which events of one subscribed capability, and when. Pure: no socket,
/// no clock, no thread, no database. The rules and their reasons are in BUS.md.
///
/// Events are offered in order of position. Each is in one of 64 partitions; a partition belongs to
/// one worker at a time, under an epoch, from the moment its database has that epoch (`assigned`).
class subscriber {
public:
  /// @param start everything up to these positions is handled, by partition.
  /// @param graves positions that are dead letters already.
  subscriber(
      subscriber_options options,
      const std::array<std::uint64_t, 64>& start,
      std::vector<std::uint64_t> graves);

  const std::string& capability() const { return options_.capability; }

  bool wants(std::string_view topic) const;

  /// The next event it has to be offered has a position above this.
  std::uint64_t scanned() const;
  /// Whether another event may be offered now.
  bool has_room() const;
  /// How many more may be offered, as far as their number goes.
  std::size_t room() const;
  /// Whether it is time to read on for it: what is read and finds no room is read again.
  bool wants_more() const;
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
      login_id login,
      std::string_view node,
      const uuid& incarnation,
      std::uint32_t credit,
      instant now,
      group_decisions& out);
  /// @param is_blamed it may have died of what it had in hand.
  void left(login_id login, bool is_blamed, instant now, group_decisions& out);
  /// 0: nothing more is sent, and what it has not begun goes to others: draining, down, breaker
  /// open.
  void credit(login_id login, std::uint32_t credit, instant now, group_decisions& out);

  void assigned(login_id from, const wire::assigned& state, instant now, group_decisions& out);
  void handled(login_id from, const wire::handled& what, instant now, group_decisions& out);
  /// The dead letters are on disk.
  void buried(const std::vector<std::uint64_t>& positions, instant now, group_decisions& out);
  /// The worker's node has nothing else in hand now.
  void isolated(login_id whom, instant now, group_decisions& out);
  void tick(instant now, group_decisions& out);

  /// By partition: everything up to here is handled, or a dead letter. What may be persisted, and
  /// what retention may delete.
  std::array<std::uint64_t, 64> cursors() const;

  /// By partition: a position that the capability's database has passed for certain. One that is
  /// below it later is older: a restored backup. (A cursor also passes what was not for the
  /// partition, and says nothing about the database.)
  std::array<std::uint64_t, 64> reached() const;

  /// Events of this group that the worker has.
  std::uint32_t in_flight(login_id whom) const;

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
  /// A postponed event whose turn it is at that time.
  struct alarm {
    instant at;
    std::uint64_t position = 0;

    bool operator>(const alarm& other) const { return at > other.at; }
  };

  /// A suspect's way: its worker is asked for, is free (since when), has it.
  struct isolation {
    enum class phase : std::uint8_t { none, asked, granted, running };
    phase is = phase::none;
    std::uint32_t worker = nowhere;
    std::uint32_t partition = nowhere;
    std::uint64_t position = 0;
    instant since;
  };

  /// A worker that was gone, and what it was blamed for.
  struct departed {
    struct blame {
      std::uint32_t partition = 0;
      std::uint64_t position = 0;
      uuid id;
    };

    uuid incarnation;
    std::vector<blame> blamed;
  };

  /// Who died with a convicted event last.
  struct conviction {
    std::string node;
    std::uint32_t partition = 0;
  };

  std::uint32_t find(login_id login) const;
  std::uint64_t cursor(const event_partition& of) const;
  bool is_grave(std::uint64_t position) const;
  void add_grave(std::uint64_t position);
  bool is_suspect(const event_ref& what) const;
  void forgive(const event_ref& what);
  /// What every input ends with, after which workers may have to be told or given something.
  void settle(instant now, group_decisions& out);

  // event_group_workers.cpp
  void rebalance(instant now, group_decisions& out);
  void choose_targets(const std::vector<std::uint32_t>& usable);
  void give_if_idle(std::uint32_t partition, group_decisions& out);
  void give(std::uint32_t partition);
  void flush_assigns(group_decisions& out);
  void take_from(
      std::uint32_t partition, bool is_blamed, departed& record, instant now, group_decisions& out);
  void lose(std::uint32_t worker, bool is_blamed, instant now, group_decisions& out);
  void take_back_deaths(const uuid& incarnation);
  void acquit(std::uint32_t partition, std::uint64_t position);
  std::uint8_t blame(const event_ref& what, std::uint32_t partition, departed& record);

  // event_group_assigned.cpp
  void report_trouble(std::string why, group_decisions& out);
  void take_over(
      std::uint32_t partition,
      const wire::partition_state& state,
      instant now,
      group_decisions& out);
  void start_over(std::uint32_t partition, std::uint64_t handled, group_decisions& out);
  void reconcile(std::uint32_t partition, std::uint64_t handled, instant now, group_decisions& out);
  void bury_convicted(std::uint32_t partition, instant now, group_decisions& out);
  void ask_for_bodies(group_decisions& out);

  // event_group_delivery.cpp
  bool has_something(const event_partition& of) const;
  void wake(std::uint32_t partition);
  void unlist(std::uint32_t partition);
  void pump(std::uint32_t worker, instant now, group_decisions& out);
  void deliver_one(std::uint32_t partition, instant now, group_decisions& out);
  void send_next(std::uint32_t partition, instant now, group_decisions& out);
  void send_again(std::uint32_t partition, std::uint64_t position, group_decisions& out);
  void skip_buried(std::uint32_t partition, group_decisions& out);
  static void say_buried(login_id to, std::uint64_t position, group_decisions& out);
  void
  acknowledge(std::uint32_t partition, std::uint64_t position, instant now, group_decisions& out);
  void
  after_return(std::uint64_t position, postponed_event& which, instant now, group_decisions& out);

  // event_group_suspects.cpp
  void begin_isolation(group_decisions& out);
  bool advance_isolation(instant now, group_decisions& out);
  bool choose_suspect(std::uint32_t worker, group_decisions& out);
  std::uint64_t suspect_of(const event_partition& of) const;
  bool send_suspect(instant now, group_decisions& out);
  void end_isolation(group_decisions& out);
  bool is_isolation_of(std::uint32_t partition) const;

  // event_group_postponed.cpp
  postponed_event& postpone(
      std::uint32_t partition,
      const event_ref& what,
      const wire::postponed& said,
      std::string_view node,
      instant first,
      instant now);
  void said_again(
      postponed_event& which, const wire::postponed& said, std::string_view node, instant now);
  std::uint64_t drop_postponed(std::uint64_t position);
  void finish(std::uint64_t position, instant now);
  void schedule(std::uint64_t position, instant now);
  void schedule_all(std::uint32_t partition, instant now);
  void ring(instant now);
  instant::duration backoff(std::uint32_t attempts);
  void
  bury_postponed(std::uint64_t position, postponed_event& which, instant now, group_decisions& out);
  void bury_event(
      const event_ref& what,
      const wire::postponed& said,
      std::string_view node,
      instant first,
      instant now,
      group_decisions& out);
  static wire::postponed crashed(std::uint64_t position);

  subscriber_options options_;
  std::array<event_partition, 64> partitions_;
  std::vector<event_worker> workers_; // Slots are used again.
  held_events held_;
  postponed_events postponed_;
  std::priority_queue<alarm, std::vector<alarm>, std::greater<>> alarms_;
  blame_book blamed_;
  std::deque<departed> departed_;
  std::map<std::uint64_t, conviction> convicted_;
  // Dead letters on their way to the disk, and their partitions.
  std::map<std::uint64_t, std::uint32_t> burying_;
  std::vector<std::uint64_t> graves_; // Sorted.
  isolation isolation_;
  std::uint32_t next_suspect_ = 0; // The partition where the search begins.

  std::uint64_t scanned_ = 0;
  // The highest position the journal is known to have.
  std::uint64_t top_ = 0;
  std::uint64_t epochs_ = 0;
  jitter jitter_;
  std::uint64_t delivered_ = 0;
  std::uint64_t handled_ = 0;
  std::uint64_t buried_ = 0;
  std::string trouble_;

  // Of one input.
  bool has_given_ = false;
  std::vector<std::uint64_t> to_fetch_;
  std::vector<std::uint32_t> woken_;            // Workers.
  std::vector<const wire::postponed*> waiting_; // Of `handled` or `assigned`, by position.
};

} // namespace troupe::broker
