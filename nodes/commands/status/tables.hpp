#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace troupe {

/// Prints everything that one broker or node said of itself.
/// @param title such as "broker b1".
void print_tables(const std::string& title, const nlohmann::ordered_json& said);

} // namespace troupe
