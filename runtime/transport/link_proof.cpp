#include "runtime/transport/link_proof.hpp"

#include <utility>

namespace troupe::transport {

namespace {

// After a token that could not be had.
constexpr milliseconds token_retry{1000};

} // namespace

outcome<std::optional<curve_link_keys>> link_proof::begin(instant now) {
  token_.reset();
  renew_at_ = instant::max();
  if (!source_) {
    return std::nullopt;
  }
  auto keys = source_(number_, refusals_);
  if (!keys) {
    return failure{std::move(keys).error()};
  }
  key_ = keys->own.public_key;
  token_ = keys->token;
  if (token_) {
    renew_at_ = now + token_->renew_in;
  }
  return std::optional{std::move(*keys)};
}

link_proof::renewal link_proof::renew(instant now) {
  if (now < renew_at_) {
    return renewal::none;
  }
  auto found = source_(number_, refusals_);
  if (!found || !found->token) {
    renew_at_ = now + token_retry;
    return renewal::none;
  }
  if (found->own.public_key != key_) {
    return renewal::login;
  }
  renew_at_ = now + found->token->renew_in;
  const bool is_other = found->token->text != token_->text;
  token_ = std::move(found->token);
  return is_other ? renewal::token : renewal::none;
}

} // namespace troupe::transport
