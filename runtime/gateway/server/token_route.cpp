#include "runtime/gateway/server/token_route.hpp"

#include "runtime/gateway/problem_of.hpp"

#include <chrono>
#include <fmt/format.h>

namespace troupe::gateway {

namespace {

constexpr const char* token_field = "x-service-token";

error has_no_right(const std::string& service) {
  return {
      .code = errc::forbidden,
      .message = fmt::format(
          "`{}` has no right to look at the system: a `call` of it under `security.allow` has to "
          "name `troupe.broker.status` or `troupe.*`",
          service),
      .details = {{"reason", "no_right"}}};
}

/// @param wait the time until the next check is allowed.
error shows_too_many(instant::duration wait) {
  return {
      .code = errc::overloaded,
      .message = "your address shows too many tokens with a wrong signature; send a good one later",
      .retry_after = std::chrono::ceil<milliseconds>(wait),
      .details = {{"reason", std::string{too_many_bad_tokens}}}};
}

} // namespace

outcome<std::string> token_route::service_in(const http::request& asked, const checking& with) {
  const auto token = asked.field(token_field);
  if (!token || token->empty()) {
    return failure{
        {.code = errc::unauthenticated,
         .message = "this route is for services: send a token in x-service-token",
         .details = {{"reason", "no_token"}}}};
  }
  return service_of(*token, asked.peer.host, with);
}

outcome<std::string>
token_route::service_of(std::string_view token, const std::string& from, const checking& with) {
  const auto now =
      std::chrono::duration_cast<std::chrono::seconds>(with.time.wall().time_since_epoch());
  const auto wait = with.tokens.remembers(token, now.count())
                        ? instant::duration::zero()
                        : with.refusals.wait_to_show(from, with.time.now());
  if (wait > instant::duration::zero()) {
    return failure{shows_too_many(wait)};
  }
  auto checked = with.tokens.check(token, now.count());
  if (!checked) {
    if (checked.error().detail("reason") == "signature") {
      with.refusals.note_wrong_signature(from, with.time.now());
    }
    error why = std::move(checked).error();
    why.code = errc::forbidden;
    return failure{std::move(why)};
  }
  if ((*checked)->bound_to) {
    return failure{
        {.code = errc::forbidden,
         .message = "the service token is not accepted: it is bound to the key of a link (`cnf`), "
                    "which nobody proves over HTTP; `troupe token new --unbound` makes one that is "
                    "not",
         .details = {{"reason", "bound"}}}};
  }
  return (*checked)->service;
}

void token_route::handle(route_request request, const http::responder& answers) {
  const auto refuse = [&](std::string_view who, const error& why) {
    with_.refusals.note(name_, request.asked.peer.host, who, why, with_.time.now());
    answers.respond(problem_of(why, std::nullopt));
  };
  auto checked = service_in(request.asked, with_);
  if (!checked) {
    return refuse({}, checked.error());
  }
  if (may_ && !may_(*checked)) {
    return refuse(*checked, has_no_right(*checked));
  }
  request.service = std::move(*checked);
  request.is_trusted_with_traces = true;
  request.still_holds = [token = std::string{*request.asked.field(token_field)},
                         from = request.asked.peer.host,
                         this] {
    const auto again = service_of(token, from, with_);
    return again ? !may_ || may_(*again)
                 // An overloaded check did not look at the token.
                 : again.error().code == errc::overloaded;
  };
  inner_->handle(std::move(request), answers);
}

void token_keys_route::handle(route_request, const http::responder& answers) {
  http::response answer =
      http::with_body(200, "application/jwk-set+json", tokens_.keys().public_jwks());
  answer.fields.emplace_back("Cache-Control", "max-age=300");
  answers.respond(std::move(answer));
}

} // namespace troupe::gateway
