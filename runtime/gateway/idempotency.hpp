#pragma once

#include "runtime/clock.hpp"
#include "runtime/ids.hpp"
#include "runtime/outcome.hpp"

#include <optional>
#include <string_view>

namespace troupe::gateway {

/// An `Idempotency-Key` may be so much ahead of the gateway's clock.
inline constexpr milliseconds key_ahead_max{3'600'000};

/// The scope of a key: keys of two clients, or of two routes, never mean the same call.
struct key_scope {
  /// The client that asks; empty if clients are not told apart.
  std::string_view principal;
  /// "POST /api/orders".
  std::string_view route;
};

/// An `Idempotency-Key`, as far as it says which call it stands for.
struct idempotency_key {
  /// The id of the call, but for its time: a hash of scope and key, so that nobody meets another's
  /// answer. SHA-256 (FIPS 180-4), since whoever can choose keys must not be able to find those of
  /// others.
  uuid hash;
  /// The time at which it was made, if it says so: a UUID of version 7 does. Else somebody has to
  /// remember when it came first.
  std::optional<wall_time> born{};
};

/// @param value 1 to 255 visible ASCII characters, bare or in quotes; best a UUID.
/// @errors `invalid`, `details.reason` `bad_key`: it is none.
/// @source draft-ietf-httpapi-idempotency-key-header, 2.1.
outcome<idempotency_key> read_key(std::string_view value, const key_scope& scope);

/// The id of the call that a key stands for: version 8, with the time of the key in front and its
/// hash behind it, so that a repeat meets its answer.
///
/// @param born when the key was made, or came first.
/// @param kept how long capabilities remember answers (the topology's `inbox_kept`).
/// @errors `invalid`, `details.reason` `key_too_old`, `key_too_new`: its time is before all answers
/// that are remembered, or ahead of the clock. Nothing was asked then.
/// @source RFC 9562, 5.8 and 6.5.
outcome<uuid>
call_id_of(const idempotency_key& key, wall_time born, wall_time now, milliseconds kept);

/// The preference of waiting in the field Prefer. Preferences that are not known are ignored.
/// @source RFC 7240, 4.1 and 4.3.
struct wait_preference {
  /// `wait=N`, in seconds.
  std::optional<std::chrono::seconds> wait{};
  /// `respond-async`: whoever asks would rather come again than wait longer.
  bool comes_again = false;
};

wait_preference wait_preferred(std::string_view prefer);

/// The time that a route's call may take: its maximum, or less if the request prefers so; one
/// millisecond at least.
milliseconds deadline_of(milliseconds most, const wait_preference& preferred);

} // namespace troupe::gateway
