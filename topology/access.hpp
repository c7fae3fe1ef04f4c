#pragma once

#include "runtime/config.hpp"
#include "runtime/range.hpp"
#include "runtime/security/grants.hpp"

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace troupe::topology {

/// An entry of `security.allow`: what a capability, a gateway or a client may do.
struct access_rule {
  std::string who;
  security::grants may{};
  file_position at{};
  /// The position of each right in the file, by `security::act` and in the order of
  /// `security::rights_to`.
  std::array<std::vector<file_position>, security::act_count> places{};

  static constexpr std::size_t rights_max = 1'024;
};

/// `security.tokens`: who makes service tokens, for whom, and for how long.
struct token_options {
  /// `iss` and `aud` of tokens.
  std::string issuer;
  std::string audience;
  std::chrono::milliseconds lifetime{std::chrono::hours{1}};
  /// The most by which the clocks of two machines may differ.
  std::chrono::milliseconds leeway{30'000};
  /// Whether brokers require a token of peers that log in with a key.
  bool at_login = false;

  static constexpr range<std::chrono::milliseconds> lifetime_range{
      std::chrono::minutes{1}, std::chrono::hours{24}};
  static constexpr range<std::chrono::milliseconds> leeway_range{
      std::chrono::seconds{1}, std::chrono::minutes{1}};
};

/// Reads `tokens` of the section `security`, if it is there.
std::optional<token_options> read_tokens(config_reader& section, std::vector<fault>& found);

/// Reads `allow` of the section `security`; without it nobody may do anything.
std::vector<access_rule> read_allow(config_reader& section, std::vector<fault>& found);

} // namespace troupe::topology
