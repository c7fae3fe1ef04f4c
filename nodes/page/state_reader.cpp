#include "nodes/page/state_reader.hpp"

#include "nodes/commands/status/report.hpp"
#include "nodes/page/page_json.hpp"
#include "runtime/wire/journal_calls.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace troupe {

namespace {

using namespace std::chrono_literals;
using nlohmann::ordered_json;

/// A node that was killed is to be seen within 2 s, by whoever looks once a second.
constexpr milliseconds node_patience = 800ms;
constexpr milliseconds rare_interval = 5s;
constexpr std::uint32_t letters_shown = 50;
constexpr std::uint32_t sagas_shown = 50;
constexpr std::uint32_t spans_read = 500;

bool has_dead_letters(const system_view& view) {
  return view.events
         && std::any_of(
             view.events->groups.begin(), view.events->groups.end(), [](const auto& each) {
               return each.dead > 0;
             });
}

std::size_t keeper_of_journal(const topology::plan& plan) {
  const auto found = std::find_if(plan.brokers.begin(), plan.brokers.end(), [&](const auto& each) {
    return each.name == plan.events.broker;
  });
  return static_cast<std::size_t>(found - plan.brokers.begin());
}

/// Who has not answered, and would only be waited for once more.
std::set<std::string> silent_in(const system_view& view) {
  std::set<std::string> names;
  for (const broker_view& each : view.brokers) {
    if (!each.said) {
      names.insert(each.name);
    }
  }
  for (const node_view& each : view.nodes) {
    if (!each.said) {
      names.insert(each.name);
    }
  }
  return names;
}

/// What runs of sagas, of each capability with a database.
std::vector<question>
questions_about_running(const topology::plan& plan, const std::set<std::string>& skipped) {
  std::vector<question> questions;
  for (const auto& each : plan.capabilities) {
    if (!each.store) {
      continue;
    }
    const wire::get_standing_sagas asked{
        .capability = each.name.value,
        .count = sagas_shown,
        .states = std::vector<std::string>{"forward", "undoing"}};
    for (const auto& node : each.nodes) {
      if (!skipped.contains(node.value)) {
        questions.push_back({"troupe.node." + node.value, "sagas", wire::encoded(asked)});
      }
    }
  }
  return questions;
}

} // namespace

state_reader::state_reader(const topology::plan& plan, std::string gateway, const clock& time)
    : plan_{plan}, gateway_{std::move(gateway)},
      incarnation_{to_string(uuid_source{}.next(time.wall()))}, time_{time} {
}

std::string state_reader::read(system_links& links) {
  const instant now = time_.now();
  const bool is_rare = rare_at_ == instant{} || now - rare_at_ >= rare_interval;
  system_answers answers =
      ask_system(links, plan_, plan_.file, is_rare ? matters::all : matters::state, node_patience);
  if (is_rare) {
    rare_at_ = now;
    waiting_ = answers.view.waiting;
    read_rare(links, answers);
  } else {
    answers.view.waiting = waiting_;
  }
  const auto found = troubles_of(answers.view);
  ordered_json all = {
      {"system", plan_.name},
      {"file", plan_.file},
      {"gateway", gateway_},
      {"incarnation", incarnation_},
      {"at", std::chrono::floor<milliseconds>(time_.wall().time_since_epoch()).count()},
      {"headline", headline(answers.view, found)},
      {"journal", plan_.events.broker}};
  all.update(report_of(plan_, answers, found));
  all["places"] = places_of(answers.view);
  all["events"] = answers.view.events
                      ? json_of(wire::encoded(*answers.view.events)).value_or(nullptr)
                      : ordered_json{};
  all["sagas"] = sagas_;
  all["letters"] = letters_;
  all["traces"] = traces_;
  return line_of(all);
}

void state_reader::read_rare(system_links& links, const system_answers& answers) {
  const std::set<std::string> silent = silent_in(answers.view);
  std::vector<wire::standing_sagas> sagas = answers.sagas;
  for (const auto& each : links.ask_any(questions_about_running(plan_, silent), node_patience)) {
    if (each) {
      if (auto said = wire::checked_decode<wire::standing_sagas>(*each)) {
        sagas.push_back(std::move(*said));
      }
    }
  }
  sagas_ = sagas_json(sagas, sagas_shown);
  letters_ = ordered_json::array();
  if (has_dead_letters(answers.view)) {
    wire::get_dead_letters asked;
    asked.count = letters_shown;
    const auto said = links.ask_broker(
        keeper_of_journal(plan_),
        {{"troupe.events", "dead_letters", wire::encoded(asked)}},
        node_patience);
    if (const auto read = json_of(said.front())) {
      letters_ = read->value("letters", ordered_json::array());
    }
  }
  const auto spans = ask_spans(links, plan_, silent, {.count = spans_read}, node_patience);
  traces_ = traces_json(spans);
}

} // namespace troupe
