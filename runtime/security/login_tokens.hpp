#pragma once

#include "runtime/outcome.hpp"
#include "runtime/secret_hash.hpp"
#include "runtime/security/checked_tokens.hpp"
#include "runtime/transport/curve_keys.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <tsl/robin_map.h>

namespace troupe::security {

/// Checks the tokens with which peers log in, over links that have keys.
///
/// In addition to the rules for all tokens, a login token must name the owner of the link's key, be
/// bound to that key, and have an id (`jti`) that no other token had. It may be presented again
/// over links with that key, since broken links are made again. Safe from any thread.
/// @source RFC 8725, 3; RFC 7800, 3.
class login_tokens {
public:
  /// Ids of tokens that have not expired.
  static constexpr std::size_t remembered_max = 100'000;

  login_tokens(token_keys keys, token_rules rules)
      : leeway_{rules.leeway}, tokens_{std::move(keys), std::move(rules)} {}

  /// @param user the owner of the link's key. @param now seconds since 1970.
  /// @return how long it is valid, 1 s or more.
  /// @errors `unauthenticated`, with the failed check (`details.reason`); `overloaded`: too many
  /// ids are remembered.
  outcome<std::chrono::seconds> check(
      std::string_view text,
      std::string_view user,
      const transport::curve_public_key& key,
      std::int64_t now);

  /// Checks tokens with these from now on. Existing logins are kept.
  void replace_keys(token_keys keys);

private:
  struct seen {
    std::uint64_t token = 0; // Its hash.
    std::int64_t until = 0;
  };

  outcome<void> remember(const service_token& token, std::string_view text, std::int64_t now);

  const std::chrono::seconds leeway_;
  const secret_hash hash_;
  std::mutex mutex_; // Guards what follows.
  checked_tokens tokens_;
  tsl::robin_map<std::string, seen, secret_hash, std::equal_to<>> ids_;
};

} // namespace troupe::security
