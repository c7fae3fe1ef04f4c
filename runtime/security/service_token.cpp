#include "runtime/security/service_token.hpp"

#include "runtime/base64.hpp"
#include "runtime/contains.hpp"
#include "runtime/security/strict_object.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <string>
#include <utility>
#include <vector>

namespace troupe::security {

namespace {

using json = nlohmann::json;

/// Header, claims and signature, as encoded in the text.
struct parts {
  std::string_view header;
  std::string_view claims;
  std::string_view signature;
  /// The signed text: header, dot and claims.
  std::string_view is_signed;
};

failure refused(std::string_view reason, std::string why) {
  return failure{
      {.code = errc::unauthenticated,
       .message = fmt::format("the service token is not accepted: {}", why),
       .details = {{"reason", std::string{reason}}}}};
}

std::optional<parts> parts_of(std::string_view text) {
  const std::size_t first = text.find('.');
  const std::size_t second = first == std::string_view::npos ? first : text.find('.', first + 1);
  if (second == std::string_view::npos || text.find('.', second + 1) != std::string_view::npos) {
    return std::nullopt;
  }
  return parts{
      text.substr(0, first),
      text.substr(first + 1, second - first - 1),
      text.substr(second + 1),
      text.substr(0, second)};
}

std::optional<json> object_of(std::string_view encoded) {
  const auto bytes = from_base64url(encoded);
  return bytes ? parse_strict_object(*bytes) : std::nullopt;
}

std::string text_at(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

std::optional<std::int64_t> time_at(const json& object, const char* key) {
  // Times are limited to the year 9999, so that adding a leeway cannot overflow.
  constexpr std::int64_t latest = 253'402'300'799;
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_integer()) {
    return std::nullopt;
  }
  const auto seconds = found->get<std::int64_t>();
  return seconds >= 0 && seconds <= latest ? std::optional{seconds} : std::nullopt;
}

json cnf_of(const transport::curve_public_key& key) {
  const std::string_view bytes{reinterpret_cast<const char*>(key.data()), key.size()};
  return {{"jwk", {{"kty", "OKP"}, {"crv", "X25519"}, {"x", to_base64url(bytes)}}}};
}

/// The key under `cnf`; nothing if it is malformed.
std::optional<transport::curve_public_key> key_of_cnf(const json& cnf) {
  const auto jwk = cnf.is_object() ? cnf.find("jwk") : cnf.end();
  if (jwk == cnf.end() || !jwk->is_object() || text_at(*jwk, "crv") != "X25519") {
    return std::nullopt;
  }
  const auto bytes = from_base64url(text_at(*jwk, "x"));
  transport::curve_public_key key{};
  if (!bytes || bytes->size() != key.size()) {
    return std::nullopt;
  }
  std::ranges::copy(*bytes, key.begin());
  return key;
}

/// The audiences of a token: one text, or a list of texts. Empty if `aud` is malformed.
/// @source RFC 7519, 4.1.3.
std::vector<std::string> audiences_of(const json& claims) {
  const auto found = claims.find("aud");
  std::vector<std::string> all;
  for (const json& each : found == claims.end() ? json::array()
                          : found->is_array()   ? *found
                                                : json::array({*found})) {
    if (!each.is_string()) {
      return {};
    }
    all.push_back(each.get<std::string>());
  }
  return all;
}

/// Reads the claims; nothing if one is missing or has the wrong type.
std::optional<service_token> token_of(const json& claims) {
  service_token made{
      .service = text_at(claims, "sub"),
      .issuer = text_at(claims, "iss"),
      .audience = fmt::format("{}", fmt::join(audiences_of(claims), ", ")),
      .issued = time_at(claims, "iat").value_or(-1),
      .expires = time_at(claims, "exp").value_or(-1),
      .id = text_at(claims, "jti")};
  if (const auto cnf = claims.find("cnf"); cnf != claims.end()) {
    made.bound_to = key_of_cnf(*cnf);
    if (!made.bound_to) {
      return std::nullopt; // A binding that is not understood must not be ignored.
    }
  }
  const bool is_whole = !made.service.empty() && !made.issuer.empty() && !made.audience.empty()
                        && made.issued >= 0 && made.expires >= 0 && !made.id.empty()
                        && text_at(claims, "serviceId") == made.service
                        && text_at(claims, "type") == "service";
  return is_whole ? std::optional{made} : std::nullopt;
}

constexpr const char* claims_wanted =
    "`sub`, `serviceId` (the same), `type` (service), `iss`, `aud`, `jti`, and `iat`, `exp` in "
    "whole "
    "seconds are wanted; `cnf`, if there is one, has a `jwk` of X25519";

/// Checks the claims of a token whose signature is valid.
outcome<void> check_claims(
    const service_token& token, const json& claims, const token_rules& rules, std::int64_t now) {
  const std::int64_t leeway = rules.leeway.count();
  if (token.issuer != rules.issuer) {
    return refused("issuer", "somebody else has made it (`iss`)");
  }
  const auto audiences = audiences_of(claims);
  if (!contains(audiences, rules.audience)) {
    return refused("audience", "it is for somebody else (`aud`)");
  }
  if (now >= token.expires + leeway) {
    return refused(
        "expired", fmt::format("it expired {} s ago; get a new one", now - token.expires));
  }
  const auto not_before = claims.contains("nbf") ? time_at(claims, "nbf") : token.issued;
  if (!not_before || token.issued > now + leeway || *not_before > now + leeway) {
    return refused(
        "not_yet", "it does not hold yet (`iat`, `nbf`); compare the clocks of both sides");
  }
  if (token.expires <= token.issued || token.expires - token.issued > rules.lifetime.count()) {
    return refused(
        "lifetime",
        fmt::format("it holds for longer than {} s, or for no time", rules.lifetime.count()));
  }
  return {};
}

} // namespace

std::string write_token(const service_token& token, const token_key& key) {
  const json header{{"alg", name_of(key.algorithm)}, {"kid", key.id}, {"typ", service_token_type}};
  json claims{
      {"iss", token.issuer},
      {"sub", token.service},
      {"serviceId", token.service},
      {"type", "service"},
      {"aud", token.audience},
      {"iat", token.issued},
      {"exp", token.expires},
      {"jti", token.id}};
  if (token.bound_to) {
    claims["cnf"] = cnf_of(*token.bound_to);
  }
  std::string text = to_base64url(header.dump()) + '.' + to_base64url(claims.dump());
  const std::string signature = sign(key, text);
  text += '.';
  return text += to_base64url(signature);
}

outcome<service_token> look_at_token(std::string_view text) {
  const auto found = text.size() <= token_bytes_max ? parts_of(text) : std::nullopt;
  const auto claims = found ? object_of(found->claims) : std::nullopt;
  const auto token = claims ? token_of(*claims) : std::nullopt;
  if (!token) {
    return failure{
        {.code = errc::invalid,
         .message = fmt::format("this is no service token: {}", claims_wanted)}};
  }
  return *token;
}

outcome<service_token> check_token(
    std::string_view text, const token_keys& keys, const token_rules& rules, std::int64_t now) {
  if (text.size() > token_bytes_max) {
    return refused("malformed", fmt::format("it has more than {} bytes", token_bytes_max));
  }
  const auto found = parts_of(text);
  const auto header = found ? object_of(found->header) : std::nullopt;
  const auto signature = found ? from_base64url(found->signature) : std::nullopt;
  if (!header || !signature) {
    return refused("malformed", "it is not three parts of base64url with dots between them");
  }
  if (text_at(*header, "typ") != service_token_type) {
    return refused("type", fmt::format("its `typ` is not {}", service_token_type));
  }
  if (header->contains("crit")) {
    return refused("crit", "it demands extensions (`crit`) that are not understood here");
  }
  const token_key* const key = keys.find(text_at(*header, "kid"));
  if (key == nullptr) {
    return refused("key", "no key that holds now has its `kid`");
  }
  if (text_at(*header, "alg") != name_of(key->algorithm)) {
    return refused("algorithm", "its `alg` is not that of the key");
  }
  if (!is_signed(*key, found->is_signed, *signature)) {
    return refused("signature", "its signature is wrong");
  }
  const auto claims = object_of(found->claims);
  const auto token = claims ? token_of(*claims) : std::nullopt;
  if (!token) {
    return refused("claims", claims_wanted);
  }
  TROUPE_CHECK(check_claims(*token, *claims, rules, now));
  return *token;
}

} // namespace troupe::security
