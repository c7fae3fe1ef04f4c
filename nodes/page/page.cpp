#include "nodes/page/page.hpp"

#include "nodes/access_rules.hpp"
#include "nodes/commands/status/report.hpp"
#include "nodes/page/detail_route.hpp"
#include "nodes/page/loopback_route.hpp"
#include "nodes/page/page_answers.hpp"
#include "nodes/page/page_files.hpp"
#include "nodes/page/page_json.hpp"
#include "nodes/page/state_route.hpp"
#include "runtime/gateway/server/document_route.hpp"
#include "runtime/gateway/server/token_route.hpp"
#include "runtime/observe/trace_context.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <utility>

namespace troupe {

namespace {

using namespace std::chrono_literals;
using page_handler = std::unique_ptr<gateway::route_handler>;
using topology::page_readers;

/// Of a question about one saga or trace.
constexpr milliseconds detail_patience = 2s;
constexpr std::uint32_t spans_of_a_trace = 1'000;

/// What a reader of the page has to be allowed.
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

/// A file as a route, for whoever may see the page.
page_handler file_route(const page_file& file) {
  return std::make_unique<gateway::document_route>(
      std::string{file.type}, std::string{file.text}, page_fields());
}

} // namespace

page::page(
    const topology::plan& plan,
    const topology::gateway_plan& self,
    std::shared_ptr<const security::key_ring> keys,
    const clock& time)
    : reader_{plan, self.name, time}, desk_{[&plan, name = self.name, keys = std::move(keys)] {
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
    const clock& time) {
  if (self.ui == page_readers::nobody) {
    return nullptr;
  }
  auto made = std::make_unique<page>(plan, self, std::move(keys), time);
  const auto add = [&](std::string_view path, page_handler answers) {
    if (self.ui == page_readers::loopback) {
      answers = std::make_unique<loopback_route>(std::move(answers));
    }
    to.add({*gateway::route_key::parse(fmt::format("GET {}", path)), std::move(answers)});
  };
  for (const page_file& each : page_files()) {
    add(each.path, file_route(each)); // They tell nothing of the system.
  }
  const auto add_question =
      [&, rules = access_rules(plan)](std::string_view path, page_handler answers) {
        if (self.ui == page_readers::operators) {
          answers = std::make_unique<gateway::token_route>(
              gateway::token_route::checking{*tokens, refusals, time},
              fmt::format("GET {}", path),
              std::move(answers),
              [rules](const std::string& service) {
                return rules->may_call(rules->row_of(service), capability_read, operation_read);
              });
        }
        add(path, std::move(answers));
      };
  add_question("/ui/state", std::make_unique<state_route>(made->desk_, made->reader_, to, time));
  add_question(
      "/ui/sagas/{capability}/{saga}",
      std::make_unique<detail_route>(made->desk_, question_about_sagas(plan)));
  add_question(
      "/ui/traces/{trace}",
      std::make_unique<detail_route>(made->desk_, question_about_traces(plan)));
  return made;
}

} // namespace troupe
