#include "nodes/page/order_route.hpp"

#include "nodes/commands/status/report.hpp"
#include "nodes/page/loopback_route.hpp"
#include "nodes/page/page_answers.hpp"
#include "runtime/gateway/problem_of.hpp"
#include "runtime/http/fields.hpp"
#include "runtime/security/audit_line.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <utility>

namespace troupe {

namespace {

using namespace std::chrono_literals;

/// The wait for each node.
constexpr milliseconds order_patience = 3s;

bool is_said_to_be_json(const http::request& asked) {
  const std::string_view type = asked.field("content-type").value_or("");
  return http::lower_case(http::trimmed(type.substr(0, type.find(';')))) == "application/json";
}

std::size_t series_for(const security::rules* rules) {
  return rules == nullptr ? 0 : rules->size();
}

/// An order that is no longer possible conflicts with changes made meanwhile.
http::problem problem_of_order(const error& why) {
  http::problem made = gateway::problem_of(why, std::nullopt);
  made.status = why.code == errc::rejected ? 409 : made.status;
  return made;
}

} // namespace

order_route::order_route(parts with, ordered_thing which)
    : with_{std::move(with)}, which_{which}, refusals_{series_for(with_.rules.get())} {
}

std::optional<error>
order_route::missing_right(const std::string& service, const page_order& order) const {
  if (with_.rules == nullptr) {
    return std::nullopt;
  }
  const auto row = with_.rules->row_of(service);
  for (const question& each : order.questions) {
    if (!with_.rules->may_call(row, each.capability, each.operation)) {
      return with_.rules->refusal(
          row, service, security::act::call, fmt::format("{}.{}", each.capability, each.operation));
    }
  }
  return std::nullopt;
}

void order_route::note_refusal(
    const std::string& service, const std::string& from, const error& why) {
  const auto row = with_.rules->row_of(service);
  if (const auto count = refusals_.note(static_cast<std::size_t>(row), with_.time.now())) {
    with_.log.write(
        security::audit_event,
        security::audit_line(
            {.who = service,
             .act = "request",
             .what = fmt::format("POST /ui/{}", name_of(which_)),
             .rule = with_.rules->rule_of(row, service, security::act::call),
             .from = from,
             .why = why.message},
            *count));
  }
}

void order_route::handle(gateway::route_request request, const http::responder& answers) {
  const http::request& asked = request.asked;
  if (const auto refused = refusal_to_other_sites(asked)) {
    answers.respond(*refused);
    return;
  }
  // A form on another site cannot send this type without a CORS preflight.
  if (!is_said_to_be_json(asked)) {
    answers.respond(http::problem{
        415, "unsupported_media_type", "send JSON, with Content-Type: application/json"});
    return;
  }
  const std::string place = fmt::format("page of {}", with_.name);
  const std::string who =
      request.service.empty() ? place : fmt::format("{} at the {}", request.service, place);
  auto order = order_of(
      which_, with_.plan, request.variables, asked.body, who, ids_.next(with_.time.wall()));
  if (!order) {
    answers.respond(problem_of_order(order.error()));
    return;
  }
  if (const auto missing = missing_right(request.service, *order)) {
    note_refusal(request.service, asked.peer.host, *missing);
    answers.respond(problem_of_order(*missing));
    return;
  }
  const bool is_taken = with_.desk.add(
      [this, order = std::move(*order), who, from = asked.peer.host, answers](system_links& links) {
        // Log first, since the process may end before the result is known.
        with_.log.write(
            "page.order_given",
            {{"who", who},
             {"from", from},
             {"verb", order.verb},
             {"about", order.about},
             {"why", order.why}});
        const auto done = carry_out(order, links, order_patience);
        with_.log.write(
            "page.ordered",
            {{"who", who},
             {"from", from},
             {"verb", order.verb},
             {"about", order.about},
             {"why", order.why},
             {"outcome", done ? *done : std::string{name_of(done.error().code)}}});
        if (done) {
          answers.respond(page_answer(
              200, "application/json", line_of(nlohmann::ordered_json{{"done", *done}})));
        } else {
          answers.respond(problem_of_order(done.error()));
        }
      });
  if (!is_taken) {
    answers.respond(too_many_questions());
  }
}

} // namespace troupe
