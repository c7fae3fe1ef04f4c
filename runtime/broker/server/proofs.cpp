#include "runtime/broker/server/proofs.hpp"

#include "runtime/broker/server/wrong_name.hpp"

#include <fmt/format.h>
#include <optional>
#include <string>

namespace troupe::broker {

outcome<login_desk::proof> proofs::check(const wire::hello& who, instant now) {
  if (options_.has_keys) {
    if (const auto why = wrong_name(who, loop_.user_of_sender())) {
      return refuse(who, "security.keys", *why, now);
    }
  }
  const auto holds = until(who.token.value_or(""), now);
  if (!holds) {
    return refuse(who, "security.tokens", holds.error(), now);
  }
  return login_desk::proof{row(), *holds, std::string{loop_.user_of_sender()}};
}

failure
proofs::refuse(const wire::hello& who, std::string_view rule, const error& why, instant now) {
  ++counts_.unauthenticated;
  ++counts_.logins_refused;
  (void)note_refused(who, rule, why, now);
  return failure{why};
}

bool proofs::note_refused(
    const wire::hello& who, std::string_view rule, const error& why, instant now) {
  const bool is_denied = why.code == errc::forbidden || why.code == errc::unauthenticated;
  if (access_.is_on() && is_denied) {
    access_.note_login(row(), loop_.user_of_sender(), who, rule, why, now);
  }
  return access_.is_on() && is_denied;
}

/// The time until which the sender's token is valid: `instant::max()` if none is required.
outcome<instant> proofs::until(std::string_view token, instant now) {
  const auto key = options_.check_token ? loop_.key_of_sender() : std::nullopt;
  if (!key) {
    return instant::max();
  }
  const std::string_view owner = loop_.user_of_sender();
  if (!bad_tokens_.may_show(owner, now)) {
    return failure{
        {.code = errc::overloaded,
         .message = fmt::format(
             "`{}` has shown {} tokens within a second that are not good: no further one is looked "
             "at for now",
             owner,
             bad_tokens::per_second_max),
         .retry_after = milliseconds{1'000}}};
  }
  const auto holds = options_.check_token(token, owner, *key);
  if (!holds) {
    bad_tokens_.note(owner, now);
    return failure{holds.error()};
  }
  return now + *holds;
}

outcome<void> proofs::renew(login_id whom, std::string_view token, instant now) {
  const auto holds = until(token, now);
  if (holds) {
    logins_.set_proved(whom, std::string{loop_.user_of_sender()}, *holds, now);
    return {};
  }
  ++counts_.renewals_refused;
  logins_.set_refused(whom, holds.error().message);
  wire::hello who;
  who.role = logins_[whom].is_worker ? "worker" : "client";
  who.node = loop_.user_of_sender();
  (void)note_refused(who, "security.tokens", holds.error(), now);
  return failure{holds.error()};
}

bool proofs::has_to_log_in(transport::peer who) {
  return options_.check_token && logins_.find(who) == login_id{nowhere}
         && loop_.key_of_sender().has_value();
}

error log_in_with_token() {
  return {
      .code = errc::unauthenticated,
      .message = "whoever has a key logs in here before it calls: say HELLO with a service token "
                 "(`login: required` of `security.tokens`)",
      .details = {{"reason", "no_token"}}};
}

} // namespace troupe::broker
