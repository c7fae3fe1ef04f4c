#pragma once

#include "runtime/worker/work_queue.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <span>
#include <vector>

namespace troupe {

/// The items that a runner has taken from its work queue and not finished, in order.
///
/// They survive here while no replica has an instance. Items keep their addresses until `fill` or
/// `put_back`. Confined to the runner's thread.
class hand {
public:
  /// Takes everything from `queue`, unless items are left. False if there is nothing at all.
  bool fill(work_queue& queue) {
    if (head_ < items_.size()) {
      return true;
    }
    items_.clear();
    head_ = 0;
    return queue.take(items_);
  }

  /// Takes everything from `queue`, even if items are left. The next push wakes the runner.
  void take_more(work_queue& queue) {
    std::vector<item> more;
    while (queue.take(more)) {
      items_.insert(
          items_.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
      more.clear();
    }
  }

  /// The next items, at most `count_max`.
  std::span<item> next(std::size_t count_max) {
    return std::span{items_}.subspan(head_, std::min(items_.size() - head_, count_max));
  }

  /// Removes the first of `next`, which is done or will be put back.
  void pass_one() { ++head_; }

  /// Puts items before the others, and empties `first`.
  void put_back(std::vector<item>& first) {
    items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
    items_.insert(
        items_.begin(),
        std::make_move_iterator(first.begin()),
        std::make_move_iterator(first.end()));
    first.clear();
  }

private:
  std::vector<item> items_;
  std::size_t head_ = 0;
};

} // namespace troupe
