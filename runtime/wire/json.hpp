#pragma once

#include "runtime/outcome.hpp"

#include <string>
#include <string_view>

namespace troupe::wire {

/// A MessagePack value as JSON, for people and scripts. 16 binary bytes become a UUID's text, other
/// binary becomes hexadecimal text. `bytes` must have passed `check`.
outcome<std::string> to_json(std::string_view bytes, bool pretty = false);

/// JSON as MessagePack. Numbers with a fraction become doubles, others integers.
/// @errors `invalid`: where the JSON is malformed.
outcome<std::string> from_json(std::string_view text);

} // namespace troupe::wire
