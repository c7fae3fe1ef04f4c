#pragma once

#include "runtime/clock.hpp"
#include "runtime/ids.hpp"
#include "runtime/outcome.hpp"

#include <optional>
#include <string_view>

namespace troupe::gateway {

/// How far an `Idempotency-Key` may be ahead of the gateway's clock.
inline constexpr milliseconds key_ahead_max{3'600'000};

/// The scope of a key: keys of two clients, or of two routes, never mean the same call.
struct key_scope {
  /// The client that asks; empty if clients are not distinguished.
  std::string_view principal;
  /// "POST /api/orders".
  std::string_view route;
};

/// What an `Idempotency-Key` says about its call.
struct idempotency_key {
  /// The id of the call, except its time: a hash of scope and key, so that nobody gets another
  /// client's answer. SHA-256 (FIPS 180-4), since clients choose keys and must not be able to find
  /// those of others.
  uuid hash;
  /// The time at which it was made, if the key contains it, as a UUID of version 7 does. Otherwise
  /// the gateway has to remember when it came first.
  std::optional<wall_time> born{};
};

/// @param value 1 to 255 visible ASCII characters, bare or in quotes; best a UUID.
/// @errors `invalid`, `details.reason` `bad_key`: it is not a key.
/// @source draft-ietf-httpapi-idempotency-key-header, 2.1.
outcome<idempotency_key> read_key(std::string_view value, const key_scope& scope);

/// The id of the call of a key: version 8, with the key's time first and then its hash, so that a
/// repeat gets the same answer.
///
/// @param born when the key was made, or came first.
/// @param kept how long capabilities remember answers (the topology's `inbox_kept`).
/// @errors `invalid`, `details.reason` `key_too_old`, `key_too_new`: its time is before all
/// remembered answers, or ahead of the clock. No call is made then.
/// @source RFC 9562, 5.8 and 6.5.
outcome<uuid>
call_id_of(const idempotency_key& key, wall_time born, wall_time now, milliseconds kept);

/// The preferences about waiting in the field Prefer. Unknown ones are ignored.
/// @source RFC 7240, 4.1 and 4.3.
struct wait_preference {
  /// `wait=N`, in seconds.
  std::optional<std::chrono::seconds> wait{};
  /// `respond-async`: the client would rather ask again later than wait longer.
  bool comes_again = false;
};

wait_preference wait_preferred(std::string_view prefer);

/// The time that a route's call may take: its maximum, or less if the request prefers so; one
/// millisecond at least.
milliseconds deadline_of(milliseconds most, const wait_preference& preferred);

} // namespace troupe::gateway
