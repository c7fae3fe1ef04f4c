#pragma once

#include "runtime/store/turn/subscriptions.hpp"
#include "runtime/wire/events.hpp"
#include "runtime/worker/runner_store.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

/// The partitions of a capability's events that are assigned to this process: how far each is
/// handled, and which of its events are postponed.
///
/// Memory equals the database as long as no other process was assigned a partition, which each turn
/// checks in the database; after an undone turn it is read again, and after a new connection
/// nothing is assigned. Without a store, there is only memory.
///
/// Confined to the runner's thread; borrows the store.
class subscribed_partitions {
public:
  struct partition {
    /// The assignment's number; 0: not assigned to this process.
    std::uint64_t epoch = 0;
    std::uint64_t handled = 0;
    std::map<std::uint64_t, store::postponed_row> waiting;
    std::map<std::string, std::set<std::uint64_t>, std::less<>> waiting_of_key;
    /// `waiting` is as in the database.
    bool is_loaded = false;
    // Of the turn `touched_in`:
    std::uint64_t touched_in = 0;
    bool is_ours = false;
    bool is_changed = false;

    /// Whether an earlier event of the key waits. Without a key there is no order to keep.
    bool is_behind(std::uint64_t position, std::string_view key) const;
    void advance(std::uint64_t position);
    void add(store::postponed_row&& row);
    void remove(std::uint64_t position);
  };

  /// @param store null if the capability has none.
  explicit subscribed_partitions(runner_store* store);

  /// Requests the row of a partition that an event of the turn will need, by the session's next
  /// await(). For slow databases.
  void look_up(std::uint32_t number);

  /// A partition, and whether it is assigned to this process in this turn: the database is asked
  /// once, since the turn holds the lock.
  partition& touch(std::uint32_t number);

  void postpone(partition& at, store::postponed_row row);
  void forget(partition& at, std::uint64_t position);

  /// Whether an event became a dead letter before it was seen here; it must not be handled.
  bool is_dead_letter(std::uint64_t position);
  /// Notes that an event is a dead letter: forgets it, or prevents it from being handled.
  void add_dead_letter(std::uint64_t position);
  /// Forgets the dead letters that all partitions have passed.
  void forget_passed_dead_letters();

  /// The highest position that was handled here. Without a store.
  std::uint64_t highest() const;
  /// Forgets all positions and assignments.
  void start_over();

  /// Assigns a partition to this process in this turn: valid once the turn is committed.
  /// @param epoch 0: it is taken away.
  void assign(std::uint32_t number, std::uint64_t epoch);

  /// Reads the postponed events of a partition.
  void load(std::uint32_t number, partition& into);

  /// Writes the positions reached in this turn, and adds those of the assigned partitions to
  /// `upto`.
  void finish(std::vector<wire::progress>& upto);
  void committed();
  void rolled_back();

private:
  void begin();
  void load_dead_letters();
  std::uint64_t least_handled() const;

  runner_store* store_;
  std::array<partition, wire::partition_count> partitions_{};
  std::set<std::uint64_t> dead_letters_;
  bool are_dead_letters_loaded_;
  // The number of the turn at hand, and the partitions that it touched.
  std::uint64_t turn_ = 0;
  std::vector<std::uint32_t> touched_;
  std::vector<std::pair<std::uint32_t, std::uint64_t>> assigned_;
  std::map<std::uint32_t, std::optional<store::partition_row>> looked_up_;
};

} // namespace troupe
