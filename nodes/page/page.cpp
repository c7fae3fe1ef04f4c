#include "nodes/page/page.hpp"

#include "nodes/access_rules.hpp"
#include "nodes/commands/status/report.hpp"
#include "nodes/page/detail_route.hpp"
#include "nodes/page/loopback_route.hpp"
#include "nodes/page/order_route.hpp"
#include "nodes/page/page_answers.hpp"
#include "nodes/page/page_files.hpp"
#include "nodes/page/page_json.hpp"
#include "nodes/page/state_route.hpp"
#include "runtime/gateway/server/document_route.hpp"
#include "runtime/gateway/server/token_route.hpp"
#include "runtime/observe/trace_context.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <utility>

namespace troupe {

namespace {

using namespace std::chrono_literals;
using page_handler = std::unique_ptr<gateway::route_handler>;
using topology::page_readers;

/// The wait for an answer about one saga or trace.
constexpr milliseconds detail_patience = 2s;
constexpr std::uint32_t spans_of_a_trace = 1'000;

/// The right required to read the page.
constexpr std::string_view capability_read = "troupe.broker";
constexpr std::string_view operation_read = "status";

const std::string& variable_of(const gateway::route_path::variables& of, std::string_view name) {
  static const std::string none;
  for (const auto& [key, value] : of) {
    if (key == name) {
      return value;
    }
  }
  return none;
}

detail_route::question question_about_sagas(const topology::plan& plan) {
  return [&plan](system_links& links, const auto& of) -> outcome<std::string> {
    const auto id = parse_uuid(variable_of(of, "saga"));
    const auto* const capability = plan.find(capability_name{variable_of(of, "capability")});
    if (!id || capability == nullptr) {
      return failure{invalid("there is no such capability, or the id is no UUID")};
    }
    std::vector<question> questions;
    for (const auto& node : capability->nodes) {
      questions.push_back(
          {"troupe.node." + node.value,
           "saga",
           wire::encoded(wire::get_saga{.capability = capability->name.value, .id = *id})});
    }
    auto answers = links.ask_any(questions, detail_patience);
    for (const auto& each : answers) {
      if (each) {
        return json_of(each).map([](const auto& json) { return line_of(json); });
      }
    }
    return failure{std::move(answers.back().error())};
  };
}

detail_route::question question_about_traces(const topology::plan& plan) {
  return [&plan](system_links& links, const auto& of) -> outcome<std::string> {
    const auto id = observe::parse_trace_id(variable_of(of, "trace"));
    if (!id) {
      return failure{invalid("a trace is 32 hexadecimal digits")};
    }
    return line_of(trace_json(
        ask_spans(links, plan, {}, {.trace = *id, .count = spans_of_a_trace}, detail_patience)));
  };
}

/// A route that serves a file to readers of the page.
page_handler file_route(const page_file& file) {
  return std::make_unique<gateway::document_route>(
      std::string{file.type}, std::string{file.text}, page_fields());
}

/// Whether the page is read-only: where links have keys, orders need one, and a user on this
/// machine shows none.
bool is_for_looking_only(const topology::plan& plan, const topology::gateway_plan& self) {
  return self.ui == page_readers::loopback && plan.security;
}

/// The kinds of orders that the page may pass on: those for which its gateway has the rights.
std::vector<std::string> orders_of(const topology::plan& plan, const topology::gateway_plan& self) {
  std::vector<std::string> kinds;
  const auto rules = access_rules(plan);
  for (const ordered_thing each :
       {ordered_thing::letter, ordered_thing::breaker, ordered_thing::saga}) {
    const auto needed = operations_of(each, plan);
    const bool may = rules == nullptr || std::ranges::all_of(needed, [&](const auto& one) {
                       return rules->may_call(rules->row_of(self.name), one.first, one.second);
                     });
    if (may && !is_for_looking_only(plan, self)) {
      kinds.emplace_back(name_of(each));
    }
  }
  return kinds;
}

} // namespace

page::page(
    const topology::plan& plan,
    const topology::gateway_plan& self,
    std::shared_ptr<const security::key_ring> keys,
    const gateway_features* features,
    const clock& time)
    : reader_{plan, self.name, orders_of(plan, self), features, time},
      desk_{[&plan, name = self.name, keys = std::move(keys)] {
        return system_links{plan, [&](std::vector<std::string> brokers) {
                              return outcome<client::options>{
                                  options_for(plan, std::move(brokers), name + "-page", keys)};
                            }};
      }} {
}

std::unique_ptr<page> page::add(
    gateway::gateway& to,
    const topology::plan& plan,
    const topology::gateway_plan& self,
    std::shared_ptr<const security::key_ring> keys,
    security::checked_tokens* tokens,
    gateway::token_audit& refusals,
    observe::event_log& log,
    const gateway_features* features,
    const clock& time) {
  if (self.ui == page_readers::nobody) {
    return nullptr;
  }
  auto made = std::make_unique<page>(plan, self, std::move(keys), features, time);
  const auto add = [&](const std::string& key, page_handler answers) {
    if (self.ui == page_readers::loopback) {
      answers = std::make_unique<loopback_route>(std::move(answers));
    }
    to.add({*gateway::route_key::parse(key), std::move(answers)});
  };
  for (const page_file& each : page_files()) {
    // The files contain nothing about the system.
    add(fmt::format("GET {}", each.path), file_route(each));
  }
  const auto rules = access_rules(plan);
  const auto add_for_operators = [&](const std::string& key, page_handler answers) {
    if (self.ui == page_readers::operators) {
      answers = std::make_unique<gateway::token_route>(
          gateway::token_route::checking{*tokens, refusals, time},
          key,
          std::move(answers),
          [rules](const std::string& service) {
            return rules->may_call(rules->row_of(service), capability_read, operation_read);
          });
    }
    add(key, std::move(answers));
  };
  add_for_operators(
      "GET /ui/state", std::make_unique<state_route>(made->desk_, made->reader_, to, time));
  add_for_operators(
      "GET /ui/sagas/{capability}/{saga}",
      std::make_unique<detail_route>(made->desk_, question_about_sagas(plan)));
  add_for_operators(
      "GET /ui/traces/{trace}",
      std::make_unique<detail_route>(made->desk_, question_about_traces(plan)));
  if (is_for_looking_only(plan, self)) {
    return made;
  }
  const order_route::parts parts{made->desk_, plan, self.name, rules, log, time};
  add_for_operators(
      "POST /ui/letters/{id}/{verb}", std::make_unique<order_route>(parts, ordered_thing::letter));
  add_for_operators(
      "POST /ui/breakers/{capability}/{verb}",
      std::make_unique<order_route>(parts, ordered_thing::breaker));
  add_for_operators(
      "POST /ui/sagas/{capability}/{id}/{verb}",
      std::make_unique<order_route>(parts, ordered_thing::saga));
  return made;
}

} // namespace troupe
