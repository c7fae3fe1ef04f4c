#pragma once

#include "runtime/clock.hpp"
#include "runtime/ids.hpp"
#include "runtime/outcome.hpp"

#include <optional>
#include <string_view>

namespace troupe::gateway {

/// An `Idempotency-Key` may be so much ahead of the gateway's clock.
inline constexpr milliseconds key_ahead_max{3'600'000};

/// Where a key counts: keys of two clients, or of two routes, never mean the same call.
struct key_scope {
  /// Who asks; empty if nobody is told apart.
  std::string_view principal;
  /// "POST /api/orders".
  std::string_view route;
};

/// The id of the call that `Idempotency-Key: value` stands for: version 8, with the key's time in
/// front and a hash of scope and key behind it, so that a repeat meets its answer and nobody meets
/// another's.
///
/// @param value a UUID of version 7, bare or in quotes.
/// @param kept how long capabilities remember answers (the topology's `inbox_kept`).
/// @errors `invalid`, `details.reason` `bad_key`: no such UUID; `key_too_old`, `key_too_new`: its
/// time is before all answers that are remembered, or ahead of the clock. Nothing was asked then.
/// @source draft-ietf-httpapi-idempotency-key-header, 2.1; RFC 9562, 5.8 and 6.5; SHA-256 (FIPS
/// 180-4), since whoever can choose keys must not be able to find those of others.
outcome<uuid>
call_id_of(std::string_view value, const key_scope& scope, wall_time now, milliseconds kept);

/// The value of a field `Prefer: wait=N`, in seconds, if there is one.
/// @source RFC 7240, 4.3.
std::optional<std::chrono::seconds> wait_preferred(std::string_view prefer);

/// How long a route's call may take: its maximum, or less if the request prefers so; one
/// millisecond at least.
milliseconds deadline_of(milliseconds most, std::optional<std::string_view> prefer);

} // namespace troupe::gateway
