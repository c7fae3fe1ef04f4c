#pragma once

#include <string>

namespace troupe {

/// Advice for a database that refuses writes, by its reason; `otherwise` if the reason is unknown.
std::string database_advice(const std::string& reason, std::string otherwise);

} // namespace troupe
