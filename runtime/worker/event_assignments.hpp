#pragma once

#include "runtime/wire/events.hpp"
#include "runtime/worker/group.hpp"
#include "runtime/worker/subscribed_partitions.hpp"

namespace troupe {

/// Carries out the broker's assignments of partitions in a turn, and reports the position of each.
///
/// Confined to the runner's thread; borrows everything.
/// @source runtime/wire/FORMAT.md, "Subscribed capabilities".
class event_assignments {
public:
  /// @param store null if the capability has none.
  event_assignments(group& of, runner_store* store, subscribed_partitions& partitions)
      : group_{of}, store_{store}, partitions_{partitions} {}

  /// @return the answer, true once the turn is committed.
  wire::assigned assign(const wire::assign& order);

private:
  bool is_of_our_journal(const wire::assign& order, wire::assigned& answer);
  void compare_histories(const wire::assign& order, wire::assigned& answer);
  void compare_in_memory(const wire::assign& order);
  void assign_stored(const wire::assign& order, const wire::progress& from, wire::assigned& answer);
  void
  assign_in_memory(const wire::assign& order, const wire::progress& from, wire::assigned& answer);
  void recall(const wire::remembered_partition& known, subscribed_partitions::partition& at);
  void grant(
      std::uint32_t number,
      subscribed_partitions::partition& at,
      std::uint64_t epoch,
      wire::assigned& answer);

  group& group_;
  runner_store* store_;
  subscribed_partitions& partitions_;
  // The journal whose positions are in memory if there is no store, and its lives.
  uuid journal_;
  lineage lives_;
};

/// An answer, split into messages that each fit into a frame, however many events wait; each
/// partition is completely in one of them.
std::vector<wire::assigned> in_frames(wire::assigned&& whole);

} // namespace troupe
