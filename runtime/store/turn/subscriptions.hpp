#pragma once

#include "runtime/ids.hpp"
#include "runtime/lineage.hpp"
#include "runtime/store/database.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace troupe::store {

/// The state of a partition of a capability's events.
struct partition_row {
  /// The epoch of the last assignment: a process with an earlier one has lost the partition.
  std::uint64_t epoch = 0;
  /// Everything up to this position is handled, except postponed events.
  std::uint64_t handled = 0;
};

/// An event that was not handled in its turn.
struct postponed_row {
  std::uint64_t position = 0;
  std::uint32_t partition = 0;
  /// The ordering key: later events of the key wait.
  std::string key;
  /// The failed attempts; 0: it only waits behind an earlier event of its key.
  std::uint32_t attempts = 0;
  /// Whether it was given up and waits to become a dead letter.
  bool is_dead = false;
  std::string cause{};
  std::string error{};
  std::uint32_t replica = 0;
};

/// The state of a database when lives were stored last. A partition with a higher epoch was
/// assigned since then to a process of an earlier release, which stores none.
struct lives_told {
  std::uint64_t epoch = 0;
  /// The highest position handled in any partition.
  std::uint64_t handled = 0;
};

/// The progress of a capability with the events it subscribes to, instead of an inbox row for each
/// event. An event at or below `handled` that is not postponed has been handled.
///
/// Borrows the session; each function runs in the current turn and throws database_error.
class subscriptions {
public:
  /// The partition number in the row of an event that became a dead letter before this database saw
  /// it.
  static constexpr std::int64_t no_partition = -1;

  explicit subscriptions(database& session) : session_{session} {}

  /// The journal whose positions these are; nothing before the first assignment.
  std::optional<uuid> journal();
  void set_journal(const uuid& journal);

  /// The lives that wrote the journal's events, as far as this database was told.
  lineage lives();
  /// Keeps the newest `lives_max` of them.
  void set_lives(const lineage& lives);

  static constexpr std::size_t lives_max = 1'000;

  /// All 0 if lives were never stored.
  lives_told told();
  void set_told(const lives_told& now);

  /// The highest position handled in any partition; 0 if none was.
  std::uint64_t highest();
  /// The highest epoch of all partitions; 0 if none was assigned.
  std::uint64_t highest_epoch();

  std::optional<partition_row> find(std::uint32_t partition);
  /// Reads the row by the session's next await(), and passes it to `each`, if there is one.
  void ask(std::uint32_t partition, std::function<void(const partition_row&)> each);
  void insert(std::uint32_t partition, const partition_row& row);
  void raise_epoch(std::uint32_t partition, std::uint64_t epoch);
  void advance(std::uint32_t partition, std::uint64_t handled);

  /// The postponed events of a partition, by position.
  std::vector<postponed_row> postponed_of(std::uint32_t partition);
  /// Adds a postponed event, or replaces its row.
  void postpone(const postponed_row& row);
  /// @return false if it was not postponed.
  bool forget(std::uint64_t position);

  /// Positions that must never be handled: dead letters that were not postponed here.
  std::vector<std::uint64_t> graves();
  void add_grave(std::uint64_t position);
  /// Deletes the dead letters that all partitions have passed.
  void forget_passed_graves();

  /// All events that wait for another attempt, or to become dead letters.
  std::vector<std::uint64_t> waiting();
  /// Continues with `journal`, which has the same handled events up to `position` and other events
  /// above it.
  void go_back(const uuid& journal, const lineage& lives, std::uint64_t position);

private:
  database& session_;
};

} // namespace troupe::store
