#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace troupe {

/// @source RFC 4648, 4; with padding.
std::string to_base64(std::string_view bytes);

/// The bytes of `text`; nothing if it is not exactly what `to_base64` makes of some bytes: no
/// blanks, no bits left over. So bytes have one text.
std::optional<std::string> from_base64(std::string_view text);

/// @source RFC 4648, 5; without padding, as RFC 7515, 2 has it.
std::string to_base64url(std::string_view bytes);

/// Does for `to_base64url` what `from_base64` does for `to_base64`. So a token has one form only.
std::optional<std::string> from_base64url(std::string_view text);

} // namespace troupe
