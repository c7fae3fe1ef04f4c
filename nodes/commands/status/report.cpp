#include "nodes/commands/status/report.hpp"

#include "nodes/commands/output.hpp"
#include "nodes/commands/status/rows.hpp"
#include "runtime/wire/json.hpp"

#include <nlohmann/json.hpp>

namespace troupe {

namespace {

using nlohmann::ordered_json;

ordered_json json_of(const trouble& one) {
  ordered_json json = {
      {"is", one.is == trouble::weight::wrong ? "wrong" : "waiting"}, {"what", one.what}};
  if (one.lasted) {
    json["for_ms"] = one.lasted->count();
  }
  json["why"] = one.why;
  json["next"] = one.next;
  return json;
}

template <class Value>
ordered_json json_of(const std::optional<Value>& value) {
  return value ? ordered_json(*value) : ordered_json(nullptr);
}

ordered_json json_of(const capability_row& row) {
  return {
      {"name", row.name},
      {"state", row.state},
      {"nodes_serving", row.nodes_serving},
      {"nodes_meant", row.nodes_meant},
      {"rate_per_s", json_of(row.rate_per_s)},
      {"p99_us", json_of(row.p99_us)},
      {"queue", json_of(row.queue)},
      {"lag", json_of(row.lag)},
      {"dead_letters", json_of(row.dead_letters)},
      {"restarts", json_of(row.restarts)},
      {"breaker", row.breaker},
      {"sagas", json_of(row.sagas)},
      {"has_more_sagas", row.has_more_sagas},
      {"sagas_queued", json_of(row.sagas_queued)}};
}

/// The gateways of `plan`, each with the brokers it is logged in to; `live` is null if no broker
/// says so.
ordered_json gateways_of(const topology::plan& plan, const system_view& view) {
  ordered_json all = ordered_json::array();
  for (const topology::gateway_plan& each : plan.gateways) {
    const auto joined = brokers_of_gateway(view, each.name);
    all.push_back(
        {{"name", each.name},
         {"listen", each.listen},
         {"admin", each.admin},
         {"live", joined ? ordered_json(!joined->empty()) : ordered_json(nullptr)},
         {"brokers", joined.value_or(std::vector<std::string>{})}});
  }
  return all;
}

} // namespace

outcome<nlohmann::ordered_json> json_of(const outcome<std::string>& body) {
  return body.and_then([](const std::string& bytes) { return wire::to_json(bytes); })
      .map([](const std::string& text) { return ordered_json::parse(text); });
}

ordered_json report_of(
    const topology::plan& plan, const system_answers& answers, const std::vector<trouble>& found) {
  ordered_json all = {
      {"verdict", name_of(verdict_on(answers.view, found))},
      {"troubles", ordered_json::array()},
      {"capabilities", ordered_json::array()},
      {"brokers", ordered_json::array()},
      {"nodes", ordered_json::array()}};
  for (const trouble& each : found) {
    all["troubles"].push_back(json_of(each));
  }
  for (const capability_row& each : rows_of(answers.view)) {
    all["capabilities"].push_back(json_of(each));
  }
  for (const status_report& each : answers.reports) {
    const auto said = json_of(each.said);
    ordered_json one = {{"name", each.name}, {"answers", said.has_value()}};
    if (said) {
      one["status"] = *said;
    } else {
      one["error"] = {{"code", name_of(said.error().code)}, {"message", message_of(said.error())}};
    }
    all[each.kind == "broker" ? "brokers" : "nodes"].push_back(std::move(one));
  }
  all["gateways"] = gateways_of(plan, answers.view);
  return all;
}

std::string line_of(const ordered_json& value) {
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

} // namespace troupe
