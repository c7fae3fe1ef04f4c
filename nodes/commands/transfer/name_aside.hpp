#pragma once

#include <string>
#include <string_view>

namespace troupe {

/// A schema's name with a suffix: "orders-left-2026-11-30-07-15-00". If the name would exceed
/// PostgreSQL's 63 bytes, a digest of the whole name replaces the excess, so that different schemas
/// never get the same name. Pure.
std::string name_aside(const std::string& schema, std::string_view behind);

} // namespace troupe
