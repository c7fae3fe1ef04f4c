#pragma once

#include "runtime/backoff.hpp"
#include "runtime/broker/events/group/tracked_events.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <queue>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::broker {

/// Bounds of the wait before a failed event is delivered again.
struct backoff_range {
  milliseconds min{100};
  milliseconds max{30'000};
};

/// The postponed events of one subscriber: rows of its database, which are delivered again after
/// their back-off, one at a time for each key. Events without a key wait for no other. Pure.
///
/// An event is `ready` when its turn has come, and `set aside` if it must be sent alone.
class retries {
public:
  /// @param events holds the events themselves; outlives this.
  retries(tracked_events& events, backoff_range backoff, std::uint64_t seed)
      : events_{events}, backoff_{backoff}, jitter_{seed} {}

  ~retries() = default;
  retries(const retries&) = delete;
  retries& operator=(const retries&) = delete;

  /// @return the slot of the postponed event at `position`, or `nowhere`.
  std::uint32_t find(std::uint64_t position) const;

  std::size_t size() const { return all_.size(); }

  /// The oldest postponed event of all; `nowhere` if there is none.
  std::uint32_t oldest() const { return all_.empty() ? nowhere : all_.begin()->second; }

  /// The positions of a partition's postponed events.
  const std::set<std::uint64_t>& positions(std::uint32_t partition) const {
    return partitions_[partition].positions;
  }

  /// Whether bodies are missing: no event of the partition is delivered again before they are read,
  /// since an event that is not in memory could be the first of its key.
  bool lacks_bodies(std::uint32_t partition) const { return partitions_[partition].bodiless != 0; }

  bool has_in_flight(std::uint32_t partition) const {
    return partitions_[partition].in_flight != 0;
  }

  /// Postpones a tracked event that is in no line.
  void add(std::uint32_t slot, const wire::postponed& said, std::string_view node, instant now);
  /// A worker reports a postponed event again.
  void
  failed_again(std::uint32_t slot, const wire::postponed& said, std::string_view node, instant now);
  void give_body(std::uint32_t slot, const event_ref& what);
  /// The event is handled or given up; the next of its key may go.
  void remove(std::uint32_t slot, instant now);

  /// Makes an event ready, now or when it is due, if it is the first of its key.
  void schedule(std::uint32_t slot, instant now);
  /// The same for all of a partition, also those that were ready before.
  void schedule_all(std::uint32_t partition, instant now);
  /// Makes due events ready.
  void ring(instant now);

  bool has_ready(std::uint32_t partition) const {
    return !all_.empty() && !partitions_[partition].ready.empty();
  }

  /// Takes the first ready event of a partition that has one.
  std::uint32_t take_ready(std::uint32_t partition);

  void set_aside(std::uint32_t slot);
  /// The first event of the partition that is set aside, or `nowhere`.
  std::uint32_t first_aside(std::uint32_t partition) const;
  /// Takes an event that must be sent alone. False if it is no longer set aside.
  bool take_aside(std::uint32_t slot);
  /// Makes all events ready that are set aside: their turn shows whether they are still suspects.
  void reconsider();

  /// The event was sent to its worker.
  void sent(std::uint32_t slot) { ++partitions_[events_[slot].partition].in_flight; }

  /// The event must not be delivered again.
  void withhold(std::uint32_t slot);
  /// The partition has lost its worker, and none of its events is with one now.
  void forget_worker(std::uint32_t partition);

  /// Partitions that may have something ready since this was emptied last.
  std::vector<std::uint32_t>& woken() { return woken_; }

private:
  struct of_partition {
    std::set<std::uint64_t> positions;
    std::set<std::uint64_t> ready;
    std::set<std::uint64_t> aside;
    std::uint32_t in_flight = 0;
    std::uint32_t bodiless = 0;
  };

  /// A postponed event and the time of its turn.
  struct alarm {
    instant at;
    std::uint64_t position = 0;

    bool operator>(const alarm& other) const { return at > other.at; }
  };

  instant::duration backoff(std::uint32_t attempts);
  bool is_first_of_key(const tracked_event& which) const;

  tracked_events& events_;
  backoff_range backoff_;
  jitter jitter_;
  std::map<std::uint64_t, std::uint32_t> all_; // Slots by position.
  std::map<std::string, std::set<std::uint64_t>, std::less<>> of_key_;
  std::array<of_partition, wire::partition_count> partitions_;
  std::priority_queue<alarm, std::vector<alarm>, std::greater<>> alarms_;
  std::vector<std::uint32_t> woken_;
};

} // namespace troupe::broker
