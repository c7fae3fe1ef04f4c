#pragma once

#include "runtime/actor/capability_call.hpp"
#include "runtime/clock.hpp"
#include "runtime/reconcile/invariant.hpp"
#include "runtime/reconciler/pass.hpp"

#include <cstdint>
#include <string_view>

namespace troupe::reconcile {

/// The bounds of what a look asks of the capabilities.
struct look_bounds {
  /// Rows of a page.
  std::uint32_t page = 500;
  int pages_max = 80;
  /// From one page to the next, for their other work.
  milliseconds pause{10};
  /// A look that takes longer ends with the page at hand, so that an effect of a node that stops is
  /// not waited for; but not before it has compared something.
  milliseconds time_max{1'000};
  milliseconds page_deadline{2'000};
};

/// Compares both sides from a key on, until nothing is left or a bound is met: of pages, time, and
/// what a slice holds. Blocks. A capability that does not answer is the slice's trouble; what was
/// compared before it counts.
///
/// @param until the last key to be compared; empty for any.
slice look(
    const invariant& what,
    std::string_view behind,
    std::string_view until,
    const look_bounds& bounds,
    const clock& time,
    const ask_capability& ask);

} // namespace troupe::reconcile
