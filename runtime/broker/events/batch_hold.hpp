#pragma once

#include "runtime/clock.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace troupe::broker {

/// Decides how long the next batch of events is held back, so that publishers that have just been
/// answered can join it. A publisher with a fixed number of outstanding events sends its next ones
/// then, and they would miss a batch that begins at once: half of its events would go into each of
/// two alternating batches, and wait for both.
///
/// Whether this pays depends on the disk and the publishers: if the cost of a commit grows with its
/// events, it is better not to wait. So both are tried: of every 320 batches 32 are held and 32 are
/// not, and the rest follow the better way. Pure.
class batch_hold {
public:
  /// A batch begins.
  void begun(instant now) { batch_began_ = now; }

  /// A batch of `events` has ended, while `waiting` wait for the next.
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

  /// Whether the next batch, for which `waiting` events wait, must not begin yet.
  bool holds(std::size_t waiting, instant now) const { return waiting < wanted_ && now < until_; }

  /// The latest time until which the batch is held.
  instant until() const { return until_; }

private:
  enum class phase { plain, held, chosen };

  static constexpr std::chrono::milliseconds longest{2};
  static constexpr unsigned tried = 32; // Batches of each way.
  static constexpr unsigned kept = 256; // Batches of the better one.
  /// The least gain for which batches are held, as holding delays publishers that gain nothing.
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
