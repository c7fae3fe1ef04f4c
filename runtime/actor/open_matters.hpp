#pragma once

#include <cstdint>
#include <string>

namespace troupe {

/// The matters of a capability that wait for a person, counted by its actor.
struct open_matters {
  std::uint64_t count = 0;
  /// The text after the count: "open cases: 3 of confirmed_order_is_paid".
  std::string what{};
  /// The operation without input that lists them.
  std::string operation{};
};

} // namespace troupe
