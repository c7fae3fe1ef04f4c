#pragma once

#include "runtime/outcome.hpp"
#include "runtime/security/token_keys.hpp"
#include "runtime/transport/curve_keys.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::security {

/// A service token: a JWT that says which service its bearer is.
///
/// `{iss, sub, serviceId, type: "service", aud, iat, exp, jti, cnf}` under a header
/// `{alg, kid, typ: "troupe-svc+jwt"}`. @source RFC 7519; RFC 8725; `cnf`: RFC 7800, 3.2.
struct service_token {
  /// `sub` and `serviceId`.
  std::string service;
  std::string issuer;
  std::string audience;
  /// Seconds since 1970 (UTC).
  std::int64_t issued = 0;
  std::int64_t expires = 0;
  /// `jti`.
  std::string id;
  /// The CURVE key of the sessions in which it is valid (X25519 as a JWK, RFC 8037); absent: any.
  std::optional<transport::curve_public_key> bound_to{};
};

/// The rules by which a checker judges tokens.
struct token_rules {
  std::string issuer;
  std::string audience;
  /// The longest time for which a token may be valid.
  std::chrono::seconds lifetime{std::chrono::hours{1}};
  /// The largest allowed difference between clocks.
  std::chrono::seconds leeway{30};
};

inline constexpr std::string_view service_token_type = "troupe-svc+jwt";
inline constexpr std::size_t token_bytes_max = 8'192;

/// The token as a text, signed by `key`, which has its secret.
std::string write_token(const service_token& token, const token_key& key);

/// The claims of a token, without a check of its signature or times: for people, and for the party
/// that made it.
/// @errors `invalid`: it is not a service token.
outcome<service_token> look_at_token(std::string_view text);

/// Checks a token: form, key, signature, then claims. The algorithm is that of the key called
/// `kid`; what the token says about keys and algorithms is not trusted.
/// @param now seconds since 1970.
/// @errors `unauthenticated`, with the failed check (`details.reason`). @source RFC 8725, 3.
outcome<service_token> check_token(
    std::string_view text, const token_keys& keys, const token_rules& rules, std::int64_t now);

} // namespace troupe::security
