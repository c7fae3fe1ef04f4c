#include "runtime/strangler/strangler_route.hpp"

#include <fmt/format.h>
#include <utility>

namespace troupe::strangler {

namespace {

/// "GET /api/invoices/7", without the query, which may hold what is secret.
std::string text_of(const http::request& asked) {
  return fmt::format(
      "{} {}", http::name_of(asked.method), asked.target.raw.substr(0, asked.target.raw.find('?')));
}

} // namespace

void strangler_route::handle(gateway::route_request request, const http::responder& answers) {
  if (modern_ == nullptr) {
    return ask_legacy(std::move(request), answers);
  }
  const auto chosen = feature_.side_of(request.asked, request.variables);
  if (!chosen) {
    ++feature_.counts().refused;
    answers.respond(chosen.error());
  } else if (*chosen == side::modern) {
    ++feature_.counts().modern;
    modern_->handle(std::move(request), answers);
  } else {
    ask_legacy(std::move(request), answers);
  }
}

void strangler_route::ask_legacy(gateway::route_request request, const http::responder& answers) {
  ++feature_.counts().legacy;
  std::shared_ptr<comparison_desk::pair> compared;
  if (modern_ != nullptr && feature_.begins_comparison(request.asked.method)) {
    compared = std::make_shared<comparison_desk::pair>(desk_, feature_, text_of(request.asked));
  }
  legacy_.ask(
      feature_.system(),
      request.asked,
      request.asked.peer.host,
      [answers, compared, &counts = feature_.counts()](legacy_answer answer) mutable {
        if (answer && compared != nullptr) {
          compared->set(side::legacy, *answer);
        }
        compared.reset();
        if (!answer) {
          ++counts.legacy_failed;
          answers.respond(answer.error());
        } else {
          answers.respond(std::move(*answer));
        }
      });
  if (compared != nullptr) {
    modern_->handle(
        std::move(request),
        http::responder{std::make_shared<compared_exchange>(std::move(compared))});
  }
}

void strangler_route::drain() {
  if (modern_ != nullptr) {
    modern_->drain();
  }
}

} // namespace troupe::strangler
