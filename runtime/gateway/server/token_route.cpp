#include "runtime/gateway/server/token_route.hpp"

#include "runtime/gateway/problem_of.hpp"

#include <chrono>
#include <fmt/format.h>

namespace troupe::gateway {

namespace {

constexpr const char* token_field = "x-service-token";

error not_accepted(error why) {
  why.code = errc::forbidden;
  return why;
}

} // namespace

void token_route::handle(route_request request, const http::responder& answers) {
  const auto token = request.asked.field(token_field);
  if (!token || token->empty()) {
    answers.respond(problem_of(
        {.code = errc::unauthenticated,
         .message = "this route is for services: send a token in x-service-token",
         .details = {{"reason", "no_token"}}},
        std::nullopt));
    return;
  }
  const auto now =
      std::chrono::duration_cast<std::chrono::seconds>(time_.wall().time_since_epoch()).count();
  const auto checked = tokens_.check(*token, now);
  if (!checked) {
    answers.respond(problem_of(not_accepted(checked.error()), std::nullopt));
    return;
  }
  if ((*checked)->bound_to) {
    answers.respond(problem_of(
        {.code = errc::forbidden,
         .message = "the service token is not accepted: it is bound to the key of a link (`cnf`), "
                    "which nobody proves over HTTP; `troupe token new --unbound` makes one that is "
                    "not",
         .details = {{"reason", "bound"}}},
        std::nullopt));
    return;
  }
  if (may_ && !may_((*checked)->service)) {
    answers.respond(problem_of(
        {.code = errc::forbidden,
         .message = fmt::format(
             "`{}` has no right to look at the system: a `call` of it under `security.allow` has "
             "to "
             "name `troupe.broker.status` or `troupe.*`",
             (*checked)->service),
         .details = {{"reason", "no_right"}}},
        std::nullopt));
    return;
  }
  inner_->handle(std::move(request), answers);
}

void token_keys_route::handle(route_request, const http::responder& answers) {
  http::response answer =
      http::with_body(200, "application/jwk-set+json", tokens_.keys().public_jwks());
  answer.fields.emplace_back("Cache-Control", "max-age=300");
  answers.respond(std::move(answer));
}

} // namespace troupe::gateway
