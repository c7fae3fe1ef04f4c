#pragma once

#include <cstdint>
#include <string>

namespace troupe {

/// What of a capability waits for a person, as its actor says it.
struct open_matters {
  std::uint64_t count = 0;
  /// Behind the count: "open cases: 3 of confirmed_order_is_paid".
  std::string what{};
  /// The operation without input that lists them.
  std::string operation{};
};

} // namespace troupe
