#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace troupe::security {

/// @source RFC 4648, 5; without padding, as RFC 7515, 2 has it.
std::string to_base64url(std::string_view bytes);

/// The bytes of `text`; nothing if it is not exactly what `to_base64url` makes of some bytes: no
/// padding, no blanks, no bits left over. So a token has only one form.
std::optional<std::string> from_base64url(std::string_view text);

} // namespace troupe::security
