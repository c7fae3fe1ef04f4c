#pragma once

#include <string>

namespace troupe {

/// The advice about a database that refuses what is written, by the reason it gives; `otherwise` if
/// that says nothing.
std::string database_advice(const std::string& reason, std::string otherwise);

} // namespace troupe
