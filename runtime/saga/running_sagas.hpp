#pragma once

#include "runtime/saga/lane.hpp"
#include "runtime/saga/plan.hpp"
#include "runtime/saga/state.hpp"
#include "runtime/secret_hash.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tsl/robin_map.h>
#include <utility>
#include <vector>

namespace troupe::saga {

/// A running saga, with what its process needs to know besides its state.
struct coordinator {
  coordinator(const plan& with, const uuid& id) : by{&with}, current{with, id} {}

  const plan* by;
  state current;
  std::int64_t epoch = 1;
  /// The trace of the call that started it; may be empty.
  std::string trace;
  /// The time at which its last record was written.
  wall_time since{};
  /// The failure of its last try; empty if that did not fail.
  std::string failure{};
  /// The ordering key of that call.
  std::string line{};
  bool touched = false;
  /// Whether it wrote a record in this turn.
  bool moved = false;
  /// Whether it was told that it needs a person.
  bool need_is_told = false;

  bool needs_person(wall_time now) const;
  std::string need() const;
};

/// The number of sagas of this process, by state.
struct standing {
  std::uint64_t forward = 0;
  std::uint64_t undoing = 0;
  /// The sagas that wait for their turn (`definition::at_once`); not counted as going forward.
  std::uint64_t queued = 0;
  /// The operation whose queue is full, so that new sagas are refused; empty if there is none.
  std::string full;
  /// The sagas whose events fail, and which wait.
  std::uint64_t failing = 0;
  std::uint64_t left_alone = 0;
  /// The sagas that are retried without end, and have failed for `person_after`.
  std::uint64_t need_person = 0;
  /// The reason why the first of these fails, and which of its effects remain.
  std::string need;
  /// The sagas that follow the steps of an earlier definition.
  std::uint64_t earlier_steps = 0;
  /// Events so far for which no step waited, although one might have: there was no such saga, or it
  /// had its answer, or was over.
  std::uint64_t unheard = 0;
  /// The time at which the oldest running one was started; the end of time if none runs.
  wall_time oldest = wall_time::max();
};

/// The running sagas of one capability in one process, and whose turn it is.
///
/// Confined to the thread of the group's writer. To undo what a turn changes, the sagas are dropped
/// from memory.
class running_sagas {
public:
  coordinator& add(const uuid& id, const plan& by);
  /// The coordinator of a saga; null if it does not run here.
  coordinator* find(const uuid& id);
  const coordinator* find(const uuid& id) const;

  /// Whether one more saga of an operation may begin, and none waits for its turn.
  bool has_room(const plan& by) { return lane_of(by).is_free(); }

  /// Whether one more may neither begin nor wait.
  bool is_full(const plan& by) { return lane_of(by).is_full(); }

  /// The number of those that wait for their turn.
  std::size_t waiting() const;

  /// An operation whose queue is full; empty if there is none.
  std::string full() const;

  /// The sagas that waited and may begin now, one of each operation.
  std::vector<coordinator*> next();

  /// Notes that the saga takes part in this turn.
  void touch(coordinator& which);
  /// Notes, after a move, whether the saga runs, waits for its turn, or neither.
  void moved(const coordinator& which);
  void drop(const uuid& id);

  /// The sagas dropped since the last call; they may run again.
  std::vector<uuid> take_dropped() { return std::exchange(dropped_, {}); }

  /// The turn was committed: forgets those that are over or parked.
  /// @return those that wrote a record.
  std::vector<uuid> committed();
  /// The turn was rolled back: forgets those that took part. @return which, with their traces.
  std::vector<std::pair<uuid, std::string>> rolled_back();
  void clear();

  std::size_t size() const { return all_.size(); }

  std::vector<uuid> ids() const;
  /// The reason why a saga needs a person; empty if it does not, or does not run here.
  std::string need_of(const uuid& id, wall_time now) const;
  /// The number of sagas by state, without those that have stopped.
  standing standing_now(wall_time now) const;

private:
  lane& lane_of(const plan& by);

  tsl::robin_map<uuid, std::unique_ptr<coordinator>, secret_hash> all_;
  std::vector<uuid> touched_;
  std::vector<uuid> dropped_;
  std::map<std::string, lane, std::less<>> lanes_; // The lanes, by operation.
};

} // namespace troupe::saga
