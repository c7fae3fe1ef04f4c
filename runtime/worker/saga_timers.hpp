#pragma once

#include "runtime/worker/group.hpp"
#include "runtime/worker/outbound.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace troupe {

/// The timers of the sagas that run in this process: a due timer goes into its group's queues. A
/// stopped saga has none. Socket loop.
class saga_timers {
public:
  /// Applies a turn's changes to the timers of its group: first removals, then new ones.
  void take(group& of, const outbound& turn, instant now);

  void push_due(instant now);

  std::size_t size() const { return set_.size(); }

private:
  /// A saga's timer: its group, the saga and its slot.
  using name = std::tuple<group*, uuid, std::uint32_t>;

  struct timer {
    instant due;
    std::uint64_t token = 0;
  };

  using timers = std::map<name, timer>;

  void set(const name& which, const timer& to);
  /// Removes the timers of a group, or of one of its sagas.
  void stop(group& of, const uuid* saga);

  timers set_;
  std::set<std::pair<instant, name>> in_order_;
};

} // namespace troupe
