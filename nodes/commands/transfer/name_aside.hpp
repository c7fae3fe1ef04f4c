#pragma once

#include <string>
#include <string_view>

namespace troupe {

/// A schema's name with something behind it: "orders-left-2026-11-30-07-15-00". What has no room in
/// a name of PostgreSQL (63 bytes) is replaced by a digest of the whole name, so that two schemas
/// never get one name. Pure.
std::string name_aside(const std::string& schema, std::string_view behind);

} // namespace troupe
