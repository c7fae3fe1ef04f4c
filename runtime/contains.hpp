#pragma once

#include <algorithm>
#include <functional>
#include <utility>

namespace troupe {

/// Whether `range` has an element that is `value`; with `projection`, one whose projection (a
/// member, say) is.
template <class Range, class Value, class Projection = std::identity>
constexpr bool contains(const Range& range, const Value& value, Projection projection = {}) {
  return std::ranges::find(range, value, std::move(projection)) != std::ranges::end(range);
}

} // namespace troupe
