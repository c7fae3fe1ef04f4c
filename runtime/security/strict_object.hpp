#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace troupe::security {

/// Parses an object of JSON; nothing if `text` is none, has a key twice in one object, is nested
/// deeper than eight or is not UTF-8. Two readers of a key that comes twice may see two values.
std::optional<nlohmann::json> parse_strict_object(std::string_view text);

} // namespace troupe::security
