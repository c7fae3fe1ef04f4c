#pragma once

#include "runtime/broker/events/decisions.hpp"
#include "runtime/broker/events/group/dead_positions.hpp"
#include "runtime/broker/events/group/deaths.hpp"
#include "runtime/broker/events/group/retries.hpp"
#include "runtime/broker/events/group/tracked_events.hpp"
#include "runtime/wire/departure.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe::broker {

struct subscriber_options {
  std::string capability;
  /// Its index in the bus, which its actions carry.
  std::uint32_t index = 0;
  /// Patterns of the topics it subscribes to.
  std::vector<std::string> patterns;
  /// Whether it has a database. Without one, its positions are in memory and lost with its process.
  bool has_store = true;
  /// Whether the journal has no cursor of it.
  bool is_new = false;
  event_window window{};
  /// The largest body of an event that a worker can be sent; a larger one becomes a dead letter.
  std::size_t body_bytes_max = wire::carried_bytes_max(wire::body_bytes_max);
  backoff_range backoff{};
  /// The base of all epochs, below the first one: the journal's generation << 32.
  std::uint64_t epoch_base = 0;
  /// The seed of the jitter of back-offs.
  std::uint64_t seed = 0;
  /// The highest position in the journal when it was opened.
  std::uint64_t journal_last = 0;
  /// The last stored positions of `subscriber::reached`, by partition. 0: not known.
  std::array<std::uint64_t, 64> reached{};
  /// The lives that wrote the positions of the journal. The same for all subscribers; null: not
  /// known.
  std::shared_ptr<const lineage> lives{};
  /// The position up to which retention has deleted events that it subscribes to; null: none. The
  /// feeder keeps it up to date.
  std::shared_ptr<const std::uint64_t> deleted_to{};
};

/// Rows of a capability's database, sorted by position.
using postponed_rows = std::vector<const wire::postponed*>;

/// The events that one subscriber has yet to handle, independent of its workers: the next event of
/// each partition, and the effect of a worker's answer, its death or its database on an event.
/// Pure; the rules are in events/README.md.
///
/// `assignment` has the workers; here a worker is only a login.
class backlog {
public:
  struct counters {
    std::uint64_t delivered = 0;
    std::uint64_t handled = 0;
    std::uint64_t dead_letters = 0;
  };

  /// @param start everything up to these positions is handled, by partition.
  /// @param dead positions that are dead letters already.
  /// @param options, cuts outlive this.
  backlog(
      const subscriber_options& options,
      const std::array<std::uint64_t, 64>& start,
      std::vector<std::uint64_t> dead,
      cut_links& cuts);

  const tracked_events& held() const { return events_; }

  const counters& counts() const { return counts_; }

  /// Whether workers died with events that may still be in the backlog.
  bool has_deaths() const { return !deaths_.empty(); }

  /// Postponed events.
  std::size_t retrying() const { return retries_.size(); }

  /// The oldest event that has its body; null if there is none.
  event_ref oldest() const;

  /// Puts an event in line, unless it was there before.
  void add(const event_ref& what, instant now, event_decisions& out);
  /// A postponed event was read from the journal.
  void give_body(const event_ref& what, instant now, event_decisions& out);
  /// A postponed event is no longer in the journal.
  /// @return its partition, whose worker is to be told; `nowhere` if the event is not missed.
  std::uint32_t drop_missing(std::uint64_t position, instant now, event_decisions& out);

  /// Everything up to here is handled or a dead letter.
  /// @param scanned the position up to which events have been offered.
  std::uint64_t cursor(std::uint32_t partition, std::uint64_t scanned) const;

  /// The database has passed this position for certain.
  std::uint64_t reached(std::uint32_t partition) const { return lines_[partition].reached; }

  /// Whether the worker has events of the partition.
  bool has_in_flight(std::uint32_t partition) const {
    return lines_[partition].has_in_flight() || retries_.has_in_flight(partition);
  }

  bool has_next(std::uint32_t partition) const;
  /// Sends the next event of a partition that has one. False if there was nothing to send after
  /// all.
  bool send_next(std::uint32_t partition, login_id to, instant now, event_decisions& out);
  /// The partition's next suspect, which may only be sent alone; 0 if there is none.
  ///
  /// @return also how often workers died with it after its time alone was over.
  std::pair<std::uint64_t, std::uint8_t> suspect_of(std::uint32_t partition) const;
  /// Sends the suspect. False if it is no longer a suspect.
  bool send_suspect(
      std::uint32_t partition,
      std::uint64_t position,
      login_id to,
      instant now,
      event_decisions& out);

  /// The worker's events of the partition up to `upto` are handled, but for the ones in `waiting`.
  /// @return how many it has no longer.
  std::uint32_t acknowledge(
      login_id by,
      wire::progress upto,
      const postponed_rows& waiting,
      const std::string& node,
      instant now,
      event_decisions& out);
  /// The partition of a postponed event; `nowhere` if it is none.
  std::uint32_t partition_of(std::uint64_t position) const;
  /// A postponed event has failed again. False if no worker had it.
  bool failed_again(
      login_id by,
      const wire::postponed& said,
      const std::string& node,
      instant now,
      event_decisions& out);
  /// A postponed event is handled. False if no worker had it.
  bool handled_again(login_id by, std::uint64_t position, instant now);

  /// The state of a partition for a process without a database that takes it over; nothing if it
  /// must begin at the cursor, and handles events again.
  std::optional<wire::remembered_partition> recall(std::uint32_t partition) const;
  /// The database is older than before: forgets the state of the partition. Events above `handled`
  /// are offered again.
  void start_over(std::uint32_t partition, std::uint64_t handled, std::uint64_t scanned);
  /// Sets the partition to the state of its database: all events up to `handled` are handled,
  /// except those in `waiting`. Tells `to` which of these are dead letters.
  void reconcile(
      wire::progress handled,
      const postponed_rows& waiting,
      login_id to,
      instant now,
      event_decisions& out);

  /// The departure of a worker.
  struct departure {
    uuid incarnation;
    std::string node;
    /// Whether it may have died of one of its events.
    bool is_blamed = false;
    /// The event in its hand was sent alone, and nothing else since.
    bool was_alone = false;
  };

  /// A worker is gone: its events in these partitions are next in line again.
  void take_back(
      const std::vector<std::uint32_t>& partitions,
      const departure& of,
      instant now,
      event_decisions& out);

  /// A process that was gone only lost its link. The event that cut it again and again is given up
  /// once the database says that it was not handled.
  void came_back(const uuid& incarnation, const std::string& node, event_decisions& out);

  /// The event's dead letter is on disk.
  /// @return its partition, if the worker is to be told now; else `nowhere`.
  std::uint32_t dead_letter_written(std::uint64_t position, std::uint64_t scanned, instant now);

  void ring(instant now) { retries_.ring(now); }

  /// Partitions that may have something to send since this was emptied last.
  std::vector<std::uint32_t>& woken() { return retries_.woken(); }

private:
  /// A partition's events, and how far they are known.
  struct line : event_line {
    /// Everything up to here was put in line, or needs not be.
    std::uint64_t queued_to = 0;
    std::uint64_t reached = 0;
    /// The position up to which what a database has as dead was a dead letter on disk: the
    /// journal's cursor had passed it. A person may have retried or dropped the letter since.
    std::uint64_t buried_to = 0;
  };

  std::uint32_t find(std::uint32_t partition, std::uint64_t position) const;

  bool send(std::uint32_t slot, login_id to, instant now, event_decisions& out);
  /// @param was_told its database has it as given up, from an earlier assignment.
  void give_up(std::uint32_t slot, instant now, event_decisions& out, bool was_told = false);
  void finish(std::uint32_t slot, instant now);
  void go_on(std::uint32_t slot, instant now, event_decisions& out);

  const subscriber_options& options_;
  tracked_events events_;
  retries retries_;
  std::array<line, wire::partition_count> lines_;
  deaths deaths_;
  dead_positions dead_;
  counters counts_;
};

/// Tells a worker that an event is a dead letter, in one message with those before.
void tell_dead(std::uint32_t subscriber, login_id to, std::uint64_t position, event_decisions& out);

} // namespace troupe::broker
