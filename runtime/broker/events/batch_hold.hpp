#pragma once

#include "runtime/clock.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace troupe::broker {

/// How long the next batch of events is held back for those to come along whose publishers have
/// just been answered. A publisher that keeps so many events under way sends the next ones then,
/// and they miss a batch that begins at once: half of its events go into each of two batches that
/// take turns, and wait for both.
///
/// Whether it pays is a matter of the disk and of the publishers: where a commit costs by its
/// events, it is better that others come in meanwhile. So it is tried: of every 320 batches 32 are
/// held and 32 are not, and the rest is as went better. Pure.
class batch_hold {
public:
  /// A batch begins.
  void begun(instant now) { batch_began_ = now; }

  /// A batch of `events` is over, while `waiting` wait for the next.
  void ended(std::size_t events, std::size_t waiting, instant now) {
    const instant::duration took = now - batch_began_;
    events_ += events;
    if (++batches_ == length()) {
      begin_next(now);
    }
    const bool is_held = phase_ == phase::held || (phase_ == phase::chosen && is_better_);
    wanted_ = is_held ? events + waiting : 0;
    until_ = now + std::min<instant::duration>(took / 2, longest);
  }

  /// Whether the next batch, for which `waiting` events are there, is not to begin yet.
  bool holds(std::size_t waiting, instant now) const { return waiting < wanted_ && now < until_; }

  /// Until when it holds at most.
  instant until() const { return until_; }

private:
  enum class phase { plain, held, chosen };

  static constexpr std::chrono::milliseconds longest{2};
  static constexpr unsigned tried = 32; // Batches of each way.
  static constexpr unsigned kept = 256; // Batches of the better one.
  /// Holding has to bring so much, as it makes some wait who gain nothing.
  static constexpr double gain_least = 1.1;

  unsigned length() const { return phase_ == phase::chosen ? kept : tried; }

  void begin_next(instant now) {
    const std::chrono::duration<double> passed = now - began_;
    const double rate = static_cast<double>(events_) / std::max(passed.count(), 1e-9);
    if (phase_ == phase::plain) {
      plain_rate_ = rate;
    } else if (phase_ == phase::held) {
      is_better_ = rate > gain_least * plain_rate_;
    }
    phase_ = phase_ == phase::plain  ? phase::held
             : phase_ == phase::held ? phase::chosen
                                     : phase::plain;
    events_ = 0;
    batches_ = 0;
    began_ = now;
  }

  phase phase_ = phase::chosen; // Which ends at the first batches, as nothing is known yet.
  std::size_t events_ = 0;      // Of this phase.
  unsigned batches_ = kept - 1;
  instant began_{};
  instant batch_began_{};
  double plain_rate_ = 0;
  bool is_better_ = false;
  std::size_t wanted_ = 0; // 0: nothing is held.
  instant until_{};
};

} // namespace troupe::broker
