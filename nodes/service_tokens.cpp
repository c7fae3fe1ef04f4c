#include "nodes/service_tokens.hpp"

#include "runtime/clock.hpp"
#include "runtime/ids.hpp"
#include "runtime/security/key_file.hpp"
#include "runtime/security/token_files.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fmt/format.h>
#include <utility>

namespace troupe {

namespace {

constexpr milliseconds renewal_soonest{1'000};

std::int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// A new token is requested after two thirds of the remaining time.
transport::login_token with_renewal(std::string text, std::int64_t expires) {
  const milliseconds left{(expires - seconds_now()) * 1'000};
  return {std::move(text), std::max(renewal_soonest, left * 2 / 3)};
}

} // namespace

security::token_rules token_rules(const topology::token_options& options) {
  return {
      .issuer = options.issuer,
      .audience = options.audience,
      .lifetime = std::chrono::duration_cast<std::chrono::seconds>(options.lifetime),
      .leeway = std::chrono::duration_cast<std::chrono::seconds>(options.leeway)};
}

security::service_token new_token(
    const topology::token_options& options,
    std::string service,
    const std::optional<transport::curve_public_key>& key) {
  const std::int64_t now = seconds_now();
  return {
      .service = std::move(service),
      .issuer = options.issuer,
      .audience = options.audience,
      .issued = now,
      .expires = now + token_rules(options).lifetime.count(),
      .id = to_string(uuid_source{}.next(std::chrono::system_clock::now())),
      .bound_to = key};
}

outcome<std::shared_ptr<security::login_tokens>> open_login_tokens(const topology::plan& plan) {
  if (!plan.security || !plan.security->tokens || !plan.security->tokens->at_login) {
    return std::shared_ptr<security::login_tokens>{};
  }
  return security::read_checking_keys(plan.security->keys).map([&](security::token_keys&& keys) {
    return std::make_shared<security::login_tokens>(
        std::move(keys), token_rules(*plan.security->tokens));
  });
}

void reread_login_tokens(
    security::login_tokens& tokens, const std::string& folder, observe::event_log& log) {
  auto keys = security::read_checking_keys(folder);
  if (!keys) {
    return log.write("token_keys.kept", {{"reason", keys.error().message}});
  }
  log.write("token_keys.read", {{"keys", std::to_string(keys->all().size())}});
  tokens.replace_keys(std::move(*keys));
}

outcome<transport::login_token> login_token_of(
    const std::string& folder,
    const topology::token_options& options,
    const security::key_ring& ring) {
  const std::string file = security::token_file_of(folder, ring.owner());
  auto kept = security::read_key_text(file, true);
  if (kept) {
    kept->erase(kept->find_last_not_of(" \r\n") + 1);
    const auto token = security::look_at_token(*kept);
    if (!token) {
      return failure{invalid(fmt::format("{}: {}", file, token.error().message))};
    }
    return with_renewal(std::move(*kept), token->expires);
  }
  if (kept.error().code != errc::unavailable) {
    return failure{std::move(kept).error()};
  }
  const auto keys = security::read_signing_keys(folder);
  if (!keys) {
    return failure{
        {.code = keys.error().code,
         .message = fmt::format(
             "the brokers want a service token at login, and there is neither {} nor a key that "
             "signs one ({}); write one there where that key is, again and again before it "
             "expires: `troupe token new FILE --for {} --to {}`",
             file,
             keys.error().message,
             ring.owner(),
             std::filesystem::path{file}.filename().string())}};
  }
  const auto made = new_token(options, ring.owner(), ring.own().public_key);
  return with_renewal(security::write_token(made, *keys->signing()), made.expires);
}

outcome<std::unique_ptr<security::checked_tokens>>
open_tokens(const topology::plan& plan, const topology::gateway_plan& self) {
  if (!plan.security || !plan.security->tokens) {
    return nullptr;
  }
  auto keys = security::read_checking_keys(plan.security->keys);
  if (keys) {
    return std::make_unique<security::checked_tokens>(
        std::move(*keys), token_rules(*plan.security->tokens));
  }
  const bool is_wanted = self.ui == topology::page_readers::operators
                         || std::ranges::any_of(self.routes, &topology::route_plan::wants_token);
  if (keys.error().code == errc::unavailable && !is_wanted) {
    return nullptr;
  }
  return failure{std::move(keys).error()};
}

} // namespace troupe
