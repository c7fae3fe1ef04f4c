#pragma once

#include <string_view>

namespace troupe::http {

/// Whether two field names are equal, ignoring case. @source RFC 9110, 5.1.
bool is_same_name(std::string_view one, std::string_view other);

} // namespace troupe::http
