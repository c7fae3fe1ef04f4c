#pragma once

#include "nodes/commands/documents/json_schema.hpp"

namespace troupe {

/// JSON Schema of `gateways` of a topology file.
document gateway_schema();
/// JSON Schema of `strangler` of a topology file.
document strangler_schema();

} // namespace troupe
