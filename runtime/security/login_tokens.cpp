#include "runtime/security/login_tokens.hpp"

#include <fmt/format.h>
#include <iterator>
#include <utility>

namespace troupe::security {

namespace {

failure login_refused(const char* reason, std::string why) {
  return failure{
      {.code = errc::unauthenticated,
       .message = fmt::format("the service token of the login is not accepted: {}", why),
       .details = {{"reason", reason}}}};
}

} // namespace

outcome<std::chrono::seconds> login_tokens::check(
    std::string_view text,
    std::string_view user,
    const transport::curve_public_key& key,
    std::int64_t now) {
  if (text.empty()) {
    return failure{
        {.code = errc::unauthenticated,
         .message = "a login shows a service token here (`login: required` of `security.tokens`); "
                    "`troupe token new FILE --for NAME --to NAME.token` makes one",
         .details = {{"reason", "no_token"}}}};
  }
  const std::lock_guard lock{mutex_};
  TROUPE_TRY(const auto checked, tokens_.check(text, now));
  const service_token& token = *checked;
  if (token.service != user) {
    return login_refused(
        "other_service",
        fmt::format("it is for `{}`, and the link has the key of `{}`", token.service, user));
  }
  if (!token.bound_to) {
    return login_refused("unbound", "it is not bound to the key of the link (`cnf`)");
  }
  if (*token.bound_to != key) {
    return login_refused("other_key", "it is bound to another key than that of the link (`cnf`)");
  }
  TROUPE_CHECK(remember(token, text, now));
  return std::chrono::seconds{token.expires - now} + leeway_;
}

outcome<void>
login_tokens::remember(const service_token& token, std::string_view text, std::int64_t now) {
  const std::uint64_t hash = hash_(text);
  if (const auto known = ids_.find(token.id); known != ids_.end() && known->second.until > now) {
    if (known->second.token != hash) {
      return login_refused("reused", "another token has had its id (`jti`)");
    }
    return {};
  }
  if (ids_.size() >= remembered_max) {
    for (auto each = ids_.begin(); each != ids_.end();) {
      each = each->second.until <= now ? ids_.erase(each) : std::next(each);
    }
  }
  if (ids_.size() >= remembered_max) {
    return failure{
        {.code = errc::overloaded,
         .message =
             fmt::format("{} tokens are in use, which is all that are remembered", ids_.size()),
         .retry_after = milliseconds{60'000}}};
  }
  ids_[token.id] = {hash, token.expires + leeway_.count()};
  return {};
}

void login_tokens::replace_keys(token_keys keys) {
  const std::lock_guard lock{mutex_};
  tokens_.replace_keys(std::move(keys));
}

} // namespace troupe::security
