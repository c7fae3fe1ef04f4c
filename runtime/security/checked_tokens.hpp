#pragma once

#include "runtime/secret_hash.hpp"
#include "runtime/security/service_token.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <tsl/robin_map.h>
#include <utility>

namespace troupe::security {

/// Checks tokens that come with each request, and a signature once: a token that was good is good
/// until it expires, or the keys are replaced. Confined to one thread.
class checked_tokens {
public:
  /// Good tokens that are remembered; with more, all are forgotten.
  static constexpr std::size_t remembered_max = 1'024;

  checked_tokens(token_keys keys, token_rules rules)
      : keys_{std::move(keys)}, rules_{std::move(rules)} {}

  /// Whether `check` would take this token without a look at its signature.
  bool remembers(std::string_view text, std::int64_t now) const {
    const auto known = good_.find(text);
    return known != good_.end() && now < known->second.expires + rules_.leeway.count();
  }

  /// @param now seconds since 1970. @return of a good token, valid until the next call.
  /// @errors of `check_token`.
  outcome<const service_token*> check(std::string_view text, std::int64_t now);

  /// Tokens are checked with these from now on.
  void replace_keys(token_keys keys) {
    keys_ = std::move(keys);
    good_.clear();
  }

  const token_keys& keys() const { return keys_; }

private:
  token_keys keys_;
  const token_rules rules_;
  // The good tokens by their whole text: two texts never count as one.
  tsl::robin_map<std::string, service_token, secret_hash, std::equal_to<>> good_;
};

} // namespace troupe::security
