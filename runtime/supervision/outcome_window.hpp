#pragma once

#include "runtime/clock.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace troupe::supervision {

/// Outcomes of calls, counted.
struct outcome_counts {
  std::uint64_t calls = 0;
  std::uint64_t failures = 0;
  std::uint64_t slow = 0;
};

/// Counts outcomes over a sliding window of ten parts, which expire one by one.
///
/// The part being filled counts too, so the window is nine to ten parts long. No allocation; adding
/// is O(1).
class outcome_window {
public:
  outcome_window(milliseconds span, instant now)
      : part_{std::chrono::duration_cast<instant::duration>(span) / parts}, part_end_{now + part_} {
  }

  void add(bool failed, bool slow, instant now);

  /// The sums over the window as it is at `now`.
  const outcome_counts& counts(instant now);

  /// The time at which the next part expires.
  instant next_change() const { return part_end_; }

  /// Whether any outcome in the window was a failure or slow.
  bool holds_bad() const { return sum_.failures + sum_.slow > 0; }

  void clear(instant now);

private:
  static constexpr std::size_t parts = 10;

  void move_to(instant now);

  instant::duration part_;
  instant part_end_;
  std::size_t filling_ = 0;
  std::array<outcome_counts, parts> counts_{};
  outcome_counts sum_{};
};

} // namespace troupe::supervision
