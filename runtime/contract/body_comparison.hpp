#pragma once

#include "runtime/contract/difference.hpp"
#include "runtime/contract/matching_rule.hpp"

#include <cstdint>

namespace troupe::contract {

/// The surplus that a body may have beyond what is expected.
enum class surplus : std::uint8_t {
  /// More members of objects: of responses and messages.
  allowed,
  /// None: of requests.
  refused,
};

/// The differences between `actual` and what `expected` and the rules of the body say, in the order
/// of the keys.
///
/// Without a rule for a place, its value must be equal there; a list must have the same items, and
/// an object the same members. A rule holds for what is inside of its place too, where no better
/// one does.
/// @source Pact specification 4; and, where it leaves something open, its reference in Rust.
differences
compare_json(const json& expected, const json& actual, const rule_set& rules, surplus more);

} // namespace troupe::contract
