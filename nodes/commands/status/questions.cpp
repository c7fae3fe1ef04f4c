#include "nodes/commands/status/questions.hpp"

#include "nodes/process_marks.hpp"
#include "nodes/text_table.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>

namespace troupe {

namespace {

constexpr std::string_view empty_map = "\x80";
// The highest count determined; a larger one means a flood in any case.
constexpr std::uint32_t waiting_counted = 1'000;

template <class Message>
outcome<Message> read_as(const outcome<std::string>& body) {
  return body.and_then(wire::checked_decode<Message>);
}

/// The last log line of a local program under `troupe up`; empty if there is none.
std::string last_line_of(const topology::plan& plan, const std::string& name) {
  constexpr std::streamoff most = 4'096;
  const auto file = std::filesystem::path{plan.folder} / "log" / (name + ".log");
  std::error_code failed;
  if (!std::filesystem::is_regular_file(file, failed)) { // A pipe cannot be read back.
    return "";
  }
  std::ifstream log{file, std::ios::ate};
  if (!log) {
    return "";
  }
  log.seekg(-std::min<std::streamoff>(log.tellg(), most), std::ios::end);
  std::string tail{std::istreambuf_iterator<char>{log}, {}};
  tail.erase(tail.find_last_not_of('\n') + 1);
  return tail.empty() ? "" : cell_text(tail.substr(tail.rfind('\n') + 1), 400);
}

/// Notes whether a process that gave no answer runs here all the same.
void note_running(const topology::plan& plan, const std::string& name, system_view& to) {
  if (const auto pid = holder_of_mark(plan, name, marked::process)) {
    to.running.emplace(name, *pid);
  }
}

void note_host(const std::string& name, const std::string& host, system_view& to) {
  if (host != "here") {
    to.hosts.emplace(name, host);
  }
}

/// A broker's own answer and, if it keeps the journal, its answer about events.
struct broker_answers {
  outcome<std::string> status;
  outcome<std::string> events;
};

broker_answers ask_broker(
    system_links& links, const topology::plan& plan, std::size_t number, milliseconds deadline) {
  std::vector<question> questions{{"troupe.broker", "status", std::string{empty_map}}};
  if (plan.events.broker == plan.brokers[number].name) {
    questions.push_back({"troupe.events", "topics", std::string{empty_map}});
  }
  auto said = links.ask_broker(number, questions, deadline);
  return {
      std::move(said.front()),
      said.size() > 1 ? std::move(said.back())
                      : outcome<std::string>{failure{invalid("it does not keep the journal")}}};
}

/// A question to nodes beyond their status.
struct node_matter {
  std::string node;
  std::string capability;
};

void count_waiting(
    system_answers& all,
    const node_matter& of,
    const std::string& operation,
    const std::string& body) {
  waiting_view one;
  if (operation == "sagas") {
    if (auto said = wire::checked_decode<wire::standing_sagas>(body)) {
      one = waiting_in(*said);
      if (one.sagas > 0) {
        all.sagas.push_back(std::move(*said));
      }
    }
  } else {
    const auto said = wire::checked_decode<wire::unsettled_effects>(body);
    one.effects = said ? said->effects.size() : 0;
    one.has_more_effects = said && said->next;
  }
  one.capability = of.capability;
  one.node = of.node;
  all.view.waiting.push_back(std::move(one));
}

void ask_nodes_of(
    system_links& links,
    const topology::plan& plan,
    matters what,
    milliseconds deadline,
    system_answers& to) {
  std::vector<question> questions;
  for (const auto& each : plan.nodes) {
    questions.push_back({"troupe.node." + each.name.value, "status", std::string{empty_map}});
  }
  std::vector<node_matter> of_node;
  for (const auto& each : plan.capabilities) {
    for (const auto& node : each.nodes) {
      if (each.store && what == matters::all) {
        const std::string name = each.name.value;
        of_node.push_back({node.value, name});
        questions.push_back(
            {"troupe.node." + node.value,
             "sagas",
             wire::encoded(
                 wire::get_standing_sagas{.capability = name, .count = waiting_counted})});
        questions.push_back(
            {"troupe.node." + node.value,
             "effects",
             wire::encoded(
                 wire::get_unsettled_effects{.capability = name, .count = waiting_counted})});
      }
    }
  }
  const auto answers = links.ask_any(questions, deadline);
  const std::size_t nodes = plan.nodes.size();
  for (std::size_t i = 0; i < nodes; ++i) {
    to.reports.push_back({"node", plan.nodes[i].name.value, answers[i]});
    to.view.nodes.push_back(
        {plan.nodes[i].name.value, plan.nodes[i].host, read_as<wire::node_status>(answers[i])});
  }
  for (std::size_t i = nodes; i < answers.size(); ++i) {
    if (answers[i]) {
      count_waiting(to, of_node[(i - nodes) / 2], questions[i].operation, *answers[i]);
    }
  }
}

} // namespace

system_answers ask_system(
    system_links& links,
    const topology::plan& plan,
    const std::string& file,
    matters what,
    milliseconds deadline) {
  system_answers all;
  all.view.name = plan.name;
  all.view.file = shell_word(file); // Quoted as commands show it.
  all.view.plan = plan.digest;
  all.view.journal_broker = plan.events.broker;
  for (const auto& each : plan.capabilities) {
    capability_view& one = all.view.capabilities.emplace_back();
    one.name = each.name.value;
    for (const auto& node : each.nodes) {
      one.nodes.push_back(node.value);
    }
  }
  for (const auto& each : plan.gateways) {
    all.view.gateways.push_back(each.name);
    note_host(each.name, each.host, all.view);
  }
  std::vector<std::future<broker_answers>> asked;
  for (std::size_t i = 0; i < plan.brokers.size(); ++i) {
    asked.push_back(
        std::async(std::launch::async, ask_broker, std::ref(links), std::cref(plan), i, deadline));
  }
  ask_nodes_of(links, plan, what, deadline, all);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    broker_answers said = asked[i].get();
    const std::string& name = plan.brokers[i].name;
    all.view.brokers.push_back({name, read_as<wire::broker_status>(said.status)});
    note_host(name, plan.brokers[i].host, all.view);
    const auto& told = all.view.brokers.back().said;
    if (told && told->journal && (told->journal->here || !all.view.journal)) {
      all.view.journal = told->journal;
      all.view.journal_broker = told->journal->here ? name : "";
    }
    if (plan.events.broker == name) {
      all.view.events = read_as<wire::topics_state>(said.events);
    }
    all.reports.insert(
        all.reports.begin() + static_cast<std::ptrdiff_t>(i),
        {"broker", name, std::move(said.status)});
  }
  if (plan.events.is_shared()) {
    all.view.events = read_as<wire::topics_state>(
        links.ask_journal({{"troupe.events", "topics", std::string{empty_map}}}, deadline).front());
  }
  for (broker_view& each : all.view.brokers) {
    if (!each.said) {
      each.last_words = last_line_of(plan, each.name);
      note_running(plan, each.name, all.view);
    }
  }
  for (node_view& each : all.view.nodes) {
    if (!each.said) {
      each.last_words = each.host == "here" ? last_line_of(plan, each.name) : "";
      note_running(plan, each.name, all.view);
    }
  }
  for (const std::string& each : all.view.gateways) {
    if (const auto joined = brokers_of_gateway(all.view, each); joined && joined->empty()) {
      note_running(plan, each, all.view);
    }
  }
  return all;
}

} // namespace troupe
