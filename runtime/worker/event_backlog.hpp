#pragma once

#include "runtime/worker/hand.hpp"
#include "runtime/worker/outbound_builder.hpp"

#include <cstdint>
#include <vector>

namespace troupe {

/// Events, assignments and dead-letter orders that a runner could not handle: the group is down,
/// the turn was undone, or there is no room for effects. They are tried again after 200 ms.
///
/// While there are any, all later ones join them, since a partition's events must stay in order.
/// After a new login the broker assigns and delivers again: items of an earlier login are dropped.
/// Confined to the runner's thread.
class event_backlog {
public:
  /// @param queue the number of the work queue through which the alarm comes back.
  event_backlog(group& of, std::uint32_t queue, outbound_builder& out)
      : group_{of}, queue_{queue}, out_{out} {}

  /// Whether an item is of a kind that waits here.
  static bool is_for(const item& each);

  bool empty() const { return items_.empty(); }

  /// Drops the items that did not arrive with `login`.
  void keep_only(std::uint32_t login);

  void add(item&& one);

  /// The alarm rang: the items are due.
  void ring();

  /// Puts the items, if they are due, at the front of `into`.
  void move_due(hand& into);

private:
  group& group_;
  std::uint32_t queue_;
  outbound_builder& out_;
  std::vector<item> items_;
  bool is_due_ = false;
  bool is_alarm_set_ = false;
};

} // namespace troupe
