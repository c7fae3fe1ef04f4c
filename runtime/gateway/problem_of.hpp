#pragma once

#include "runtime/error.hpp"
#include "runtime/http/problem.hpp"
#include "runtime/ids.hpp"

#include <map>
#include <optional>
#include <string>

namespace troupe::gateway {

/// The reason (`details.reason`) of an `overloaded` that is answered with 429: the client causes
/// it, not the gateway.
inline constexpr std::string_view too_many_bad_tokens = "too_many_bad_tokens";

/// The status of each reason for which a route's operation refuses (`rejected`), where it is not
/// 422.
using reason_statuses = std::map<std::string, int, std::less<>>;

/// Removes from an error's message what only operators may read: databases and their files, and who
/// has forced a breaker or cancelled a saga, and why. `details.fault` still says of which kind it
/// is; `troupe status`, `troupe why` and the logs have the full text.
error for_clients(error why);

/// The answer to a request whose call ended with `why`.
///
/// | code | status |
/// |---|---|
/// | `rejected` | 422, or as the route says for its reason |
/// | `invalid` | 400 |
/// | `conflict` | 409; 422 if its reason is `id_reused` |
/// | `unauthenticated`, `forbidden` | 401, 403 |
/// | `overloaded`, `circuit_open`, `unavailable` | 503, with `retry_after_ms` (1 s if unknown) |
/// | `deadline_exceeded` | 504 |
/// | `crashed`, `internal` | 500 |
/// | `unknown_capability`, `unknown_operation` | 502 |
///
/// Its members are `number`, `effect`, `call_id`, those of the error's details (of which `reason`),
/// `final` if the same id is answered so again, and `retry_after_ms`.
/// @param call absent if none was made.
/// @source RFC 9457; draft-ietf-httpapi-idempotency-key-header, 2.7, for 422.
http::problem
problem_of(const error& why, const std::optional<uuid>& call, const reason_statuses& statuses = {});

} // namespace troupe::gateway
