#include "runtime/strangler/strangler_route.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <string_view>
#include <utility>

namespace troupe::strangler {

namespace {

/// "GET /api/invoices/7", without the query, which may hold what is secret.
std::string text_of(const http::request& asked) {
  return fmt::format(
      "{} {}", http::name_of(asked.method), asked.target.raw.substr(0, asked.target.raw.find('?')));
}

/// Whether the whole thing is asked for: what a client has of one side, its tags and ranges, means
/// nothing to the other. @source RFC 9110, 13.1 and 14.2.
bool asks_for_all(const http::request& asked) {
  constexpr std::array<std::string_view, 6> conditions{
      "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range", "range"};
  return std::none_of(conditions.begin(), conditions.end(), [&](std::string_view name) {
    return asked.field(name).has_value();
  });
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
  if (modern_ != nullptr && asks_for_all(request.asked)
      && feature_.begins_comparison(request.asked.method)) {
    // Compressed answers cannot be compared.
    std::erase_if(
        request.asked.fields, [](const auto& field) { return field.first == "accept-encoding"; });
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
