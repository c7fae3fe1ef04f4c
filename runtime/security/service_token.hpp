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
  /// The CURVE key of the sessions in which it holds (X25519 as a JWK, RFC 8037); absent: in any.
  std::optional<transport::curve_public_key> bound_to{};
};

/// The rules by which a checker judges tokens.
struct token_rules {
  std::string issuer;
  std::string audience;
  /// The longest time that a token may hold.
  std::chrono::seconds lifetime{std::chrono::hours{1}};
  /// The most by which clocks may differ.
  std::chrono::seconds leeway{30};
};

inline constexpr std::string_view service_token_type = "troupe-svc+jwt";
inline constexpr std::size_t token_bytes_max = 8'192;

/// The token as a text, signed by `key`, which has its secret.
std::string write_token(const service_token& token, const token_key& key);

/// The claims of a token, without a look at its signature or its times: for people, and for the
/// party that has made it.
/// @errors `invalid`: it is no service token.
outcome<service_token> look_at_token(std::string_view text);

/// Checks a token: form, key, signature, then what it says. The algorithm is that of the key called
/// `kid`; what the token says of keys and algorithms decides nothing.
/// @param now seconds since 1970.
/// @errors `unauthenticated`, and which check failed (`details.reason`). @source RFC 8725, 3.
outcome<service_token> check_token(
    std::string_view text, const token_keys& keys, const token_rules& rules, std::int64_t now);

} // namespace troupe::security
