#include "runtime/gateway/idempotency.hpp"

#include "runtime/http/fields.hpp"
#include "runtime/time_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <stdexcept>
#include <string>

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
  // Fails only when memory runs out or the library lacks SHA-256.
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error{"SHA-256 is not to be had from OpenSSL"};
  }
  return digest;
}

constexpr std::size_t key_bytes_max = 255;

bool is_visible(char c) {
  return c > ' ' && c <= '~';
}

} // namespace

outcome<idempotency_key> read_key(std::string_view value, const key_scope& scope) {
  value = http::trimmed(value);
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
    value = value.substr(1, value.size() - 2);
  }
  if (value.empty() || value.size() > key_bytes_max || !std::ranges::all_of(value, is_visible)) {
    return failure{bad_key(
        "bad_key",
        "an Idempotency-Key has 1 to 255 visible ASCII characters; make a new UUID for each new "
        "request, and keep it for its repeats")};
  }
  const auto id = parse_uuid(value);
  const bool has_time = id && id->version() == 7;
  // Length prefixes keep two different scopes from producing the same bytes.
  const auto hash = sha256(fmt::format(
      "{}:{}{}:{}{}",
      scope.principal.size(),
      scope.principal,
      scope.route.size(),
      scope.route,
      id ? to_string(*id) : std::string{value}));
  idempotency_key made;
  for (std::size_t i = 6; i < made.hash.bytes.size(); ++i) {
    made.hash.bytes[i] = static_cast<std::byte>(hash[i - 6]);
  }
  made.hash.bytes[6] = (made.hash.bytes[6] & std::byte{0x0f}) | std::byte{0x80};
  made.hash.bytes[8] = (made.hash.bytes[8] & std::byte{0x3f}) | std::byte{0x80};
  if (has_time) {
    made.born = id->born();
  }
  return made;
}

outcome<uuid>
call_id_of(const idempotency_key& key, wall_time born, wall_time now, milliseconds kept) {
  if (born > now + key_ahead_max) {
    return failure{bad_key(
        "key_too_new",
        "the time in the Idempotency-Key is more than an hour ahead; look at the clock of its "
        "maker")};
  }
  if (born + kept < now) {
    return failure{bad_key(
        "key_too_old",
        fmt::format(
            "the Idempotency-Key is older than {} hours, for which answers are remembered, so that "
            "nobody knows whether the request was carried out; use a new one for a new request",
            std::chrono::duration_cast<std::chrono::hours>(kept).count()))};
  }
  uuid made = key.hash;
  const auto millis = static_cast<std::uint64_t>(unix_millis(born));
  for (std::size_t i = 0; i < 6; ++i) {
    made.bytes[i] = static_cast<std::byte>(millis >> (8 * (5 - i)));
  }
  return made;
}

wait_preference wait_preferred(std::string_view prefer) {
  wait_preference found;
  for (const std::string& member : http::list_members(prefer)) {
    // Parameters follow a semicolon; these preferences have none.
    const std::string_view each =
        http::trimmed(std::string_view{member}.substr(0, member.find(';')));
    found.comes_again = found.comes_again || each == "respond-async";
    // Spaces around the equals sign and quotes around the value are allowed (RFC 7240, 2).
    const std::size_t equals = std::min(each.find('='), each.size());
    if (found.wait || http::trimmed(each.substr(0, equals)) != "wait") {
      continue; // The first occurrence of a preference counts (RFC 7240, 2).
    }
    std::string_view value = http::trimmed(each.substr(std::min(equals + 1, each.size())));
    if (value.size() > 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    std::uint32_t seconds = 0;
    const char* const end = value.data() + value.size();
    const auto [stopped, wrong] = std::from_chars(value.data(), end, seconds);
    // Malformed preferences are ignored.
    if (wrong == std::errc{} && stopped == end) {
      found.wait = std::chrono::seconds{seconds};
    }
  }
  return found;
}

milliseconds deadline_of(milliseconds most, const wait_preference& preferred) {
  // A client that polls may do so for as long as the call may take.
  return preferred.wait && !preferred.comes_again
             ? std::clamp<milliseconds>(*preferred.wait, milliseconds{1}, most)
             : most;
}

} // namespace troupe::gateway
