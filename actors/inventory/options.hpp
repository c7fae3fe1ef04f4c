#pragma once

#include "runtime/wire/message.hpp"

#include <cstdint>

namespace troupe::inventory {

/// The `config` of a capability of type `inventory`.
struct inventory_options {
  /// A shelf with fewer pieces is low; 0: no shelf ever is.
  std::int64_t low_at = 10;
};

TROUPE_MESSAGE(inventory_options, low_at)

} // namespace troupe::inventory
