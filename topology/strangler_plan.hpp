#pragma once

#include "runtime/config.hpp"
#include "runtime/strangler/feature_options.hpp"

namespace troupe::topology {

/// A feature that moves from a legacy system to capabilities.
struct strangler_plan {
  strangler::feature_options feature;
  file_position at;
};

} // namespace troupe::topology
