#include "runtime/transport/link_proof.hpp"

#include "runtime/backoff.hpp"
#include "runtime/wire/envelope.hpp"
#include "runtime/wire/error_map.hpp"
#include "runtime/wire/login.hpp"

#include <fmt/format.h>
#include <utility>

namespace troupe::transport {

namespace {

// Wait before the next attempt when a token could not be read or was refused.
constexpr milliseconds retry_first{1'000};
constexpr milliseconds retry_most{60'000};
constexpr milliseconds answer_patience{10'000};
// The source is first asked for a new token at two thirds of the current token's lifetime. An
// unchanged token is reported the second time only, since the program that renews the file may run
// a little later.
constexpr std::uint64_t unchanged_worrying = 2;

error not_replaced(milliseconds next_look) {
  // `next_look` is two thirds of the time left.
  const auto left = std::chrono::duration_cast<std::chrono::seconds>(next_look * 3 / 2);
  return {
      .code = errc::unavailable,
      .message = fmt::format(
          "the token is still the one before, which expires in {} s: whoever renews it has to "
          "write the next one",
          left.count())};
}

} // namespace

outcome<std::optional<curve_link_keys>> link_proof::begin(instant now) {
  token_.reset();
  asked_.reset();
  failures_ = 0;
  unchanged_ = 0;
  renew_at_ = instant::max();
  if (!source_) {
    return std::nullopt;
  }
  TROUPE_TRY(auto keys, source_(number_, refusals_));
  key_ = keys.own.public_key;
  token_ = keys.token;
  if (token_) {
    renew_at_ = now + token_->renew_in;
  }
  return std::optional{std::move(keys)};
}

link_proof::renewal link_proof::renew(instant now) {
  if (asked_ && now >= answer_by_) {
    asked_.reset(); // Brokers of earlier releases do not answer.
  }
  if (now < renew_at_) {
    return renewal::none;
  }
  auto found = source_(number_, refusals_);
  if (!found) {
    fail(found.error(), now);
    return renewal::none;
  }
  if (found->own.public_key != key_) {
    return renewal::login;
  }
  if (!found->token) {
    fail(invalid("there is no token any more"), now);
    return renewal::none;
  }
  renew_at_ = now + found->token->renew_in;
  const bool is_other = found->token->text != token_->text;
  token_ = std::move(found->token);
  if (is_other || failures_ > 0) { // The broker may accept now a token that it refused before.
    unchanged_ = 0;
    asked_ = ids_.next(std::chrono::system_clock::now());
    answer_by_ = now + answer_patience;
    return renewal::token;
  }
  if (++unchanged_ == unchanged_worrying && token_->not_renewed) {
    token_->not_renewed(not_replaced(token_->renew_in));
  }
  return renewal::none;
}

void link_proof::append_renewal(wire::batch_writer& to) const {
  std::string header;
  wire::append_answered_header(header, wire::kind::state, *asked_);
  wire::state said;
  said.token = token_->text;
  to.append(header, wire::encoded(said));
}

bool link_proof::take_answer(std::string_view header, instant now) {
  const auto answer = wire::scan_header(header);
  if (!asked_ || !answer || answer->kind != wire::kind::reply || answer->id != *asked_) {
    return false;
  }
  asked_.reset();
  if (answer->status != wire::status::error) {
    failures_ = 0;
    return true;
  }
  const auto why = wire::read_error(answer->error);
  fail(why ? *why : internal_error("the token was refused"), now);
  return true;
}

void link_proof::fail(const error& why, instant now) {
  renew_at_ = now + backoff_after(++failures_, retry_first, retry_most);
  if (token_->not_renewed) {
    token_->not_renewed(why);
  }
}

} // namespace troupe::transport
