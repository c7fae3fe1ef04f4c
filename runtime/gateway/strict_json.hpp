#pragma once

#include "runtime/outcome.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace troupe::gateway {

/// The value in `text`, if it is unambiguous.
/// @errors `invalid`, with `details.pointer`: not JSON, or not UTF-8; a duplicate key; nested
/// deeper than `wire::depth_max`; a whole number beyond 64 bits; a number outside the range of
/// doubles.
outcome<nlohmann::json> strict_json(std::string_view text);

/// `invalid`: `what` about the value at `pointer` (RFC 6901).
error wrong_json(std::string pointer, std::string_view what);

/// `pointer` with one more reference token.
std::string pointer_to(const std::string& pointer, std::string_view key);

} // namespace troupe::gateway
