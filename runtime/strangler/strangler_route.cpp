#include "runtime/strangler/strangler_route.hpp"

#include "runtime/observe/span_names.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <string_view>
#include <utility>

namespace troupe::strangler {

namespace {

/// "GET /api/invoices/7", without the query, which may contain secrets.
std::string text_of(const http::request& asked) {
  return fmt::format(
      "{} {}", http::name_of(asked.method), asked.target.raw.substr(0, asked.target.raw.find('?')));
}

/// Whether the request asks for the whole resource: tags and ranges of one side mean nothing to the
/// other.
/// @source RFC 9110, 13.1 and 14.2.
bool asks_for_all(const http::request& asked) {
  constexpr std::array<std::string_view, 6> conditions{
      "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range", "range"};
  return std::ranges::none_of(
      conditions, [&](std::string_view name) { return asked.field(name).has_value(); });
}

/// "GET /api/users/{user_id}"; only the method if no route matches.
std::string span_name(http::method method, const std::string& path) {
  const std::string_view word = http::name_of(method);
  return path.empty() ? std::string{word} : fmt::format("{} {}", word, path);
}

/// A request for the legacy system to answer, and the request sent to that system: two spans. May
/// outlive the route.
struct asked_legacy {
  const feature& of;
  gateway::request_traces& traces;
  std::string path;
  gateway::traced_request request{};
  gateway::traced_request question{};

  /// Records both spans; only the request's if it has no trace. Any thread.
  void end(int status, std::string_view error) const {
    const std::string name = span_name(request.method, path);
    const std::string asked = fmt::format("legacy {}", name);
    const std::pair<std::string_view, std::string_view> its{
        observe::names::feature, of.options().name};
    if (question.span != 0) {
      traces.end(
          question,
          {.name = asked,
           .route = path,
           .status = status,
           .error = error,
           .kind = observe::span_kind::client,
           .notes = {its, {observe::names::server_address, of.options().legacy.origin}}});
    }
    traces.end(
        request, {.name = name, .route = path, .status = status, .error = error, .notes = {its}});
  }
};

} // namespace

void strangler_route::handle(gateway::route_request request, const http::responder& answers) {
  if (modern_ == nullptr) {
    return ask_legacy(std::move(request), answers);
  }
  const auto chosen = feature_.side_of(request.asked, request.variables);
  if (!chosen) {
    refuse(request, answers, chosen.error());
  } else if (*chosen == side::modern) {
    ++feature_.counts().modern;
    modern_->handle(std::move(request), answers);
  } else {
    ask_legacy(std::move(request), answers);
  }
}

void strangler_route::refuse(
    const gateway::route_request& request,
    const http::responder& answers,
    const http::problem& why) {
  ++feature_.counts().refused;
  const auto span =
      tracing_.traces.begin(request.asked, request.is_trusted_with_traces, tracing_.sampling);
  const std::string name = span_name(request.asked.method, tracing_.path);
  tracing_.traces.end(
      span,
      {.name = name,
       .route = tracing_.path,
       .status = why.status,
       .error = why.code,
       .notes = {{observe::names::feature, feature_.options().name}}});
  gateway::request_traces::telling(answers, span).respond(why);
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
  const auto spans =
      std::make_shared<asked_legacy>(asked_legacy{feature_, tracing_.traces, tracing_.path});
  spans->request =
      tracing_.traces.begin(request.asked, request.is_trusted_with_traces, tracing_.sampling);
  spans->question = tracing_.traces.begin_below(spans->request);
  gateway::set_trace(request.asked, spans->question.below());
  legacy_.ask(
      feature_.system(),
      request.asked,
      request.asked.peer.host,
      [answers = gateway::request_traces::telling(answers, spans->request),
       compared,
       spans,
       &counts = feature_.counts()](legacy_answer answer) mutable {
        if (answer && compared != nullptr) {
          compared->set(side::legacy, *answer);
        }
        compared.reset();
        if (!answer) {
          ++counts.legacy_failed;
          spans->end(answer.error().status, answer.error().code);
          answers.respond(answer.error());
        } else {
          spans->end(answer->status, {});
          answers.respond(std::move(*answer));
        }
      });
  if (compared != nullptr) {
    gateway::set_trace(request.asked, spans->request.below());
    request.is_inner = true;
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
