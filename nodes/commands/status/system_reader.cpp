#include "nodes/commands/status/system_reader.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace troupe {

namespace {

using namespace std::chrono_literals;

constexpr milliseconds databases_interval = 5s;
constexpr std::uint32_t letters_read = 50;
constexpr std::uint32_t sagas_read = 50;

bool has_dead_letters(const system_view& view) {
  return view.events && std::ranges::any_of(view.events->groups, [](const auto& each) {
           return each.dead > 0;
         });
}

/// Questions about running sagas, one to each capability with a database.
std::vector<question>
questions_about_running(const topology::plan& plan, const std::set<std::string>& skipped) {
  std::vector<question> questions;
  for (const auto& each : plan.capabilities) {
    if (!each.store) {
      continue;
    }
    const wire::get_standing_sagas asked{
        .capability = each.name.value,
        .count = sagas_read,
        .states = std::vector<std::string>{"forward", "undoing", "queued"}};
    for (const auto& node : each.nodes) {
      if (!skipped.contains(node.value)) {
        questions.push_back({"troupe.node." + node.value, "sagas", wire::encoded(asked)});
      }
    }
  }
  return questions;
}

} // namespace

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

std::vector<placed_saga> placed_sagas(const std::vector<wire::standing_sagas>& said) {
  // The sagas by id and capability: the id is the call's, which may start several sagas.
  std::map<std::pair<uuid, std::string>, placed_saga> all;
  for (const wire::standing_sagas& page : said) {
    for (const wire::standing_saga& each : page.sagas) {
      placed_saga& one = all[{each.id, page.capability}];
      if (one.nodes.empty()) {
        one.capability = page.capability;
        one.saga = each;
      }
      one.nodes.push_back(page.node);
    }
  }
  std::vector<placed_saga> list;
  for (auto& [id, each] : all) {
    list.push_back(std::move(each));
  }
  return list;
}

system_reader::system_reader(const topology::plan& plan, std::string file, const clock& time)
    : plan_{plan}, file_{std::move(file)}, time_{time} {
}

system_state system_reader::read(system_links& links) {
  const instant now = time_.now();
  system_state all;
  all.is_from_databases = databases_at_ == instant{} || now - databases_at_ >= databases_interval;
  all.answers = ask_system(
      links, plan_, file_, all.is_from_databases ? matters::all : matters::state, reader_patience);
  if (all.is_from_databases) {
    databases_at_ = now;
    waiting_ = all.answers.view.waiting;
    read_databases(links, all.answers);
  } else {
    all.answers.view.waiting = waiting_;
  }
  all.found = troubles_of(all.answers.view);
  all.sagas = sagas_;
  all.has_more_standing = has_more_standing_;
  all.has_more_running = has_more_running_;
  all.letters = letters_;
  return all;
}

void system_reader::read_databases(system_links& links, const system_answers& answers) {
  std::vector<wire::standing_sagas> sagas = answers.sagas;
  has_more_standing_ =
      std::ranges::any_of(sagas, [](const auto& each) { return each.next.has_value(); });
  has_more_running_ = false;
  const auto questions = questions_about_running(plan_, silent_in(answers.view));
  for (const auto& each : links.ask_any(questions, reader_patience)) {
    if (each) {
      if (auto said = wire::checked_decode<wire::standing_sagas>(*each)) {
        has_more_running_ = has_more_running_ || said->next;
        sagas.push_back(std::move(*said));
      }
    }
  }
  sagas_ = placed_sagas(sagas);
  letters_.clear();
  if (has_dead_letters(answers.view)) {
    wire::get_dead_letters asked;
    asked.count = letters_read;
    const auto said = links.ask_journal(
        {{"troupe.events", "dead_letters", wire::encoded(asked)}}, reader_patience);
    if (said.front()) {
      if (auto read = wire::checked_decode<wire::letters_found>(*said.front())) {
        letters_ = std::move(read->letters);
      }
    }
  }
}

} // namespace troupe
