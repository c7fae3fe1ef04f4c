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

/// Checks the tokens of requests, and each signature only once: a valid token stays valid until it
/// expires or the keys are replaced. Confined to one thread.
class checked_tokens {
public:
  /// The number of valid tokens that are remembered; with more, all are forgotten.
  static constexpr std::size_t remembered_max = 1'024;

  checked_tokens(token_keys keys, token_rules rules)
      : keys_{std::move(keys)}, rules_{std::move(rules)} {}

  /// Whether `check` would accept this token without checking its signature.
  bool remembers(std::string_view text, std::int64_t now) const {
    const auto known = good_.find(text);
    return known != good_.end() && now < known->second.expires + rules_.leeway.count();
  }

  /// @param now seconds since 1970. @return the claims of a valid token; usable until the next
  /// call.
  /// @errors of `check_token`.
  outcome<const service_token*> check(std::string_view text, std::int64_t now);

  /// Checks tokens with these from now on.
  void replace_keys(token_keys keys) {
    keys_ = std::move(keys);
    good_.clear();
  }

  const token_keys& keys() const { return keys_; }

private:
  token_keys keys_;
  const token_rules rules_;
  // The valid tokens by their whole text: two texts never count as one.
  tsl::robin_map<std::string, service_token, secret_hash, std::equal_to<>> good_;
};

} // namespace troupe::security
