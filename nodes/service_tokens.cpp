#include "nodes/service_tokens.hpp"

#include "runtime/security/token_files.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace troupe {

security::token_rules token_rules(const topology::token_options& options) {
  return {
      .issuer = options.issuer,
      .audience = options.audience,
      .lifetime = std::chrono::duration_cast<std::chrono::seconds>(options.lifetime),
      .leeway = std::chrono::duration_cast<std::chrono::seconds>(options.leeway)};
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
  const bool is_wanted =
      self.ui == topology::page_readers::operators
      || std::any_of(self.routes.begin(), self.routes.end(), [](const topology::route_plan& each) {
           return each.wants_token;
         });
  if (keys.error().code == errc::unavailable && !is_wanted) {
    return nullptr;
  }
  return failure{std::move(keys).error()};
}

} // namespace troupe
