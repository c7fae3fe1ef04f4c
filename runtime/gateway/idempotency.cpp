#include "runtime/gateway/idempotency.hpp"

#include "runtime/http/fields.hpp"
#include "runtime/time_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <stdexcept>

namespace troupe::gateway {

namespace {

error bad_key(std::string reason, std::string message) {
  error made = invalid(std::move(message));
  made.details.emplace_back("reason", std::move(reason));
  return made;
}

std::array<unsigned char, 32> sha256(std::string_view bytes) {
  std::array<unsigned char, 32> digest{};
  unsigned int size = 0;
  // Fails only if there is no memory, or no SHA-256 in the library.
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error{"SHA-256 is not to be had from OpenSSL"};
  }
  return digest;
}

} // namespace

outcome<uuid>
call_id_of(std::string_view value, const key_scope& scope, wall_time now, milliseconds kept) {
  value = http::trimmed(value);
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
    value = value.substr(1, value.size() - 2);
  }
  const auto key = parse_uuid(value);
  if (!key || key->version() != 7) {
    return failure{bad_key(
        "bad_key",
        "the Idempotency-Key is no UUID of version 7 (RFC 9562); make a new one for each new "
        "request, and keep it for its repeats")};
  }
  if (key->birth() > milliseconds{unix_millis(now)} + key_ahead_max) {
    return failure{bad_key(
        "key_too_new",
        "the time in the Idempotency-Key is more than an hour ahead; look at the clock of its "
        "maker")};
  }
  if (key->birth() + kept < milliseconds{unix_millis(now)}) {
    return failure{bad_key(
        "key_too_old",
        fmt::format(
            "the Idempotency-Key is older than {} hours, for which answers are remembered, so that "
            "nobody knows whether the request was carried out; use a new one for a new request",
            std::chrono::duration_cast<std::chrono::hours>(kept).count()))};
  }
  // Lengths in front, so that no two scopes run into the same bytes.
  const auto hash = sha256(fmt::format(
      "{}:{}{}:{}{}",
      scope.principal.size(),
      scope.principal,
      scope.route.size(),
      scope.route,
      to_string(*key)));
  uuid made = *key;
  for (std::size_t i = 6; i < made.bytes.size(); ++i) {
    made.bytes[i] = static_cast<std::byte>(hash[i - 6]);
  }
  made.bytes[6] = (made.bytes[6] & std::byte{0x0f}) | std::byte{0x80};
  made.bytes[8] = (made.bytes[8] & std::byte{0x3f}) | std::byte{0x80};
  return made;
}

std::optional<std::chrono::seconds> wait_preferred(std::string_view prefer) {
  constexpr std::string_view name = "wait=";
  for (const std::string& each : http::list_members(prefer)) {
    if (!each.starts_with(name)) {
      continue;
    }
    std::uint32_t seconds = 0;
    const char* const end = each.data() + each.size();
    const auto [stopped, wrong] = std::from_chars(each.data() + name.size(), end, seconds);
    // A preference that cannot be read is ignored (RFC 7240, 2).
    if (wrong == std::errc{} && stopped == end) {
      return std::chrono::seconds{seconds};
    }
  }
  return std::nullopt;
}

milliseconds deadline_of(milliseconds most, std::optional<std::string_view> prefer) {
  const auto wanted = prefer ? wait_preferred(*prefer) : std::nullopt;
  return wanted ? std::clamp<milliseconds>(*wanted, milliseconds{1}, most) : most;
}

} // namespace troupe::gateway
