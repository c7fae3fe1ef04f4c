#pragma once

#include "runtime/wire/flags.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::strangler {

/// The share that `text` means: "off", "on", "25%", "0.5%"; at most two digits after the point.
std::optional<std::uint32_t> parse_share(std::string_view text);

/// "25%", "0.5%", "0%".
std::string share_text(std::uint32_t share);

/// The side that answers a request.
enum class side : std::uint8_t { legacy, modern };

/// "legacy" or "modern", or nothing.
std::optional<side> side_named(std::string_view word);
std::string_view name_of(side which);

/// The side that answers a request with the sticky key `key` while `feature` has the share `share`.
///
/// The same key goes to the same side on every gateway, now and in later releases; as the share
/// rises, keys move from legacy to modern and none moves back. A request without a key goes to
/// modern only at 100 %. Features choose independently of each other, so that it is not always the
/// same users who try what is new.
/// @source `digest_of` "FEATURE:KEY", modulo 10,000.
side choose(std::uint32_t share, std::string_view feature, std::optional<std::string_view> key);

} // namespace troupe::strangler
