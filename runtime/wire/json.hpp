#pragma once

#include "runtime/outcome.hpp"

#include <string>
#include <string_view>

namespace troupe::wire {

/// A MessagePack value as JSON, for people and scripts. 16 binary bytes become a UUID's text, other
/// binary becomes hexadecimal text; extensions and what JSON has no number for become null. The
/// order and repetition of keys are kept.
/// @errors `invalid`, as `check` says.
outcome<std::string> to_json(std::string_view bytes, bool pretty = false);

/// JSON as MessagePack. Numbers with a fraction or exponent become doubles, others integers; keys
/// are sorted, and of a repeated key the last is kept.
/// @errors `invalid`: where the JSON is malformed, or that it is nested deeper than `depth_max`.
outcome<std::string> from_json(std::string_view text);

} // namespace troupe::wire
