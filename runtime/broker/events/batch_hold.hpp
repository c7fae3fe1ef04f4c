#pragma once

#include "runtime/clock.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace troupe::broker {

/// How long the next batch of events is held back for those to come along whose publishers have
/// just been answered. A publisher that keeps so many events under way sends the next ones then;
/// without this they would miss the batch that begins at once, and whoever publishes without a
/// pause would have half of its events in each of two batches that take turns, and wait for both.
///
/// Holds for a quarter of what the last commit took, and no longer than all are there that may
/// come. Where none comes, as those who publish do so at times of their own, it soon holds nothing
/// any more, but for a try now and then. Pure.
class batch_hold {
public:
  /// A batch of `events` is over, while `waiting` wait for the next.
  ///
  /// @param took its commit.
  void ended(std::size_t events, std::size_t waiting, instant::duration took, instant now) {
    judge();
    const bool tries = misses_ < misses_max || ++skipped_ % tried_each == 0;
    wanted_ = tries ? events + waiting : 0;
    hoped_ = waiting + events / 2;
    until_ = now + std::min<instant::duration>(took / 4, longest);
  }

  /// Whether the next batch, for which `waiting` events are there, is not to begin yet.
  bool holds(std::size_t waiting, instant now) const { return waiting < wanted_ && now < until_; }

  /// As `holds`; whoever is about to begin the batch asks so, and goes on if it is false.
  bool notes(std::size_t waiting, instant now) {
    most_ = std::max(most_, waiting);
    return holds(waiting, now);
  }

  /// Until when it holds at most.
  instant until() const { return until_; }

private:
  static constexpr std::chrono::milliseconds longest{2};
  static constexpr unsigned misses_max = 4;
  static constexpr unsigned tried_each = 16;

  /// Notes whether it was of use to hold the batch that is over.
  void judge() {
    if (wanted_ != 0) {
      misses_ = most_ >= hoped_ ? 0 : misses_ + 1;
    }
    most_ = 0;
  }

  std::size_t wanted_ = 0; // 0: nothing is held.
  std::size_t hoped_ = 0;  // With so many it was of use.
  std::size_t most_ = 0;   // That were there while it held.
  instant until_{};
  unsigned misses_ = 0;
  unsigned skipped_ = 0;
};

} // namespace troupe::broker
