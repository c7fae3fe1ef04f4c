#include "runtime/contract/mock_provider.hpp"

#include "runtime/contract/comparison.hpp"

#include <fmt/format.h>
#include <optional>
#include <utility>

namespace troupe::contract {

namespace {

actual_request actual_of(const http::request& asked) {
  const std::string& raw = asked.target.raw;
  return {
      std::string{name_of(asked.method)},
      raw.substr(0, raw.find('?')),
      asked.target.query,
      asked.fields,
      asked.body};
}

http::response response_of(const http_response& expected) {
  http::response made{expected.status};
  for (const auto& [name, values] : expected.fields) {
    for (const std::string& each : values) {
      made.fields.emplace_back(name, each);
    }
  }
  if (expected.body) {
    made.body = expected.body->bytes;
  }
  return made;
}

/// A description of what the request should have been.
std::string
told(const actual_request& asked, const interaction* closest, const differences& found) {
  std::string text = fmt::format("{} {} was not spoken of", asked.method, asked.path);
  if (closest != nullptr) {
    text += fmt::format("; from `{}` it differs:", title_of(*closest));
    for (const difference& each : found) {
      text += fmt::format("\n  {}: {}", each.where, each.what);
    }
  }
  return text;
}

} // namespace

outcome<std::unique_ptr<mock_provider>>
mock_provider::start(const std::vector<interaction>& expected) {
  std::unique_ptr<mock_provider> made{new mock_provider{expected}};
  auto* const self = made.get();
  const auto answer = [self](const http::request& asked, const http::responder& answers) {
    answers.respond(self->answer(asked));
  };
  TROUPE_TRY(made->server_, http::server::start({.address = "127.0.0.1:0"}, answer));
  return made;
}

http::response mock_provider::answer(const http::request& asked) {
  const actual_request actual = actual_of(asked);
  std::optional<std::size_t> fitting;
  const interaction* closest = nullptr;
  differences least;
  const std::lock_guard lock{mutex_};
  for (std::size_t i = 0; i < expected_.size(); ++i) {
    const auto* const exchange = std::get_if<http_exchange>(&expected_[i].what);
    if (exchange == nullptr) {
      continue;
    }
    differences found = compare(exchange->request, actual);
    // Of several matching interactions, the first one not requested yet is taken.
    if (found.empty() && (!fitting || (asked_[*fitting] && !asked_[i]))) {
      fitting = i;
    }
    if (closest == nullptr || found.size() < least.size()) {
      closest = &expected_[i];
      least = std::move(found);
    }
  }
  if (fitting) {
    asked_[*fitting] = true;
    return response_of(std::get<http_exchange>(expected_[*fitting].what).response);
  }
  strangers_.push_back(told(actual, closest, least));
  return http::with_body(500, "text/plain; charset=utf-8", strangers_.back() + "\n");
}

std::vector<bool> mock_provider::asked() const {
  const std::lock_guard lock{mutex_};
  return asked_;
}

std::vector<std::string> mock_provider::strangers() const {
  const std::lock_guard lock{mutex_};
  return strangers_;
}

} // namespace troupe::contract
