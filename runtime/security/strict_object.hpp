#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace troupe::security {

/// Parses a JSON object; nothing if `text` is not one, has a key twice in one object, is nested
/// deeper than eight or is not UTF-8. Two readers of a duplicate key may see two values.
std::optional<nlohmann::json> parse_strict_object(std::string_view text);

} // namespace troupe::security
