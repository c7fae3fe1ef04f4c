#include "nodes/commands/saga.hpp"

#include "nodes/commands/node_questions.hpp"
#include "nodes/commands/plan_file.hpp"
#include "nodes/connection.hpp"
#include "nodes/text_table.hpp"
#include "runtime/actor/registry.hpp"
#include "runtime/saga/graph.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/json.hpp"
#include "runtime/wire/node_calls.hpp"

#include <fmt/format.h>
#include <memory>

namespace troupe {

namespace {

using wire::json_object;

struct show_arguments {
  std::string file;
  std::string id;
  milliseconds deadline{5'000};
  bool json = false;
};

struct graph_arguments {
  std::string name;
  bool dot = false;
};

std::string at_text(std::int64_t millis) {
  return utc_time_text(milliseconds{millis});
}

outcome<wire::saga_history> history_in(const outcome<std::string>& said) {
  return said.and_then(wire::checked_decode<wire::saga_history>);
}

/// Asks the nodes of all capabilities with a database, and then the one that has the saga for the
/// rest of its history.
outcome<wire::saga_history> whole_history(const topology::plan& plan, const show_arguments& given) {
  wire::get_saga asked{.capability = {}, .id = *parse_uuid(given.id)};
  std::vector<node_question> questions;
  for (const auto& each : plan.capabilities) {
    for (const auto& node : each.nodes) {
      asked.capability = each.name.value;
      if (each.store) {
        questions.push_back({node.value, each.name.value, wire::encoded(asked)});
      }
    }
  }
  std::optional<error> why;
  for (const node_answer& each : ask_nodes(plan, "saga", "saga", questions, given.deadline)) {
    auto found = history_in(each.said);
    while (found && found->next != 0) {
      asked.capability = each.capability;
      asked.after = found->next;
      auto more = ask_nodes(
          plan,
          "saga",
          "saga",
          {{each.node, each.capability, wire::encoded(asked)}},
          given.deadline);
      auto rest = history_in(more.front().said);
      if (!rest) {
        return rest;
      }
      for (wire::saga_record& record : rest->records) {
        found->records.push_back(std::move(record));
      }
      found->next = rest->next;
    }
    if (found) {
      return found;
    }
    if (!why || why->detail("reason") == "no_saga") {
      why = std::move(found).error();
    }
  }
  return failure{why.value_or(rejected("no_saga", "no capability of the topology has a database"))};
}

std::string body_text(const wire::saga_record& of) {
  if (of.body_bytes > of.body.bytes.size()) {
    return fmt::format("({} bytes)", of.body_bytes);
  }
  return of.body.bytes.empty() ? "" : wire::json_of(of.body.bytes);
}

std::string json_of(const wire::saga_history& of) {
  std::vector<json_object> records;
  std::int64_t before = of.records.empty() ? 0 : of.records.front().at;
  for (const wire::saga_record& each : of.records) {
    json_object& line = records.emplace_back();
    line.add("seq", each.seq)
        .add("at", at_text(each.at))
        .add("after_ms", each.at - before)
        .add("what", each.what)
        .add("step", each.step)
        .add("round", each.round)
        .add("attempt", each.attempt)
        .add("epoch", each.epoch)
        .add("node", each.node.value_or(""))
        .add("note", each.note)
        .add("body_bytes", each.body_bytes);
    const bool has_body = !each.body.bytes.empty();
    line.add_json("body", has_body ? wire::json_of(each.body.bytes) : "null");
    before = each.at;
  }
  json_object json;
  json.add("id", of.id)
      .add("capability", of.capability)
      .add("operation", of.operation)
      .add("state", of.state)
      .add("step", of.step)
      .add("owner", of.owner)
      .add("epoch", of.epoch)
      .add("deadline", at_text(of.deadline))
      .add("earlier_steps", of.earlier_steps)
      .add("unread", of.unread)
      .add("effects", of.effects)
      .add("records", records);
  return json.text();
}

void print_history(const wire::saga_history& of) {
  fmt::print(
      "saga {} of {}.{}: {}{}{}\n",
      to_string(of.id),
      of.capability,
      of.operation,
      of.state,
      of.step.empty() ? "" : " at ",
      of.step);
  fmt::print(
      "  owner: {}, epoch {}; deadline {}\n",
      of.owner.empty() ? "nobody" : of.owner,
      of.epoch,
      of.deadline == 0 ? "unknown" : at_text(of.deadline));
  if (!of.unread.empty()) {
    fmt::print("  the program at {} cannot read it: {}\n", of.node, cell_text(of.unread, 300));
  }
  if (of.earlier_steps) {
    fmt::print("  it follows the steps of an earlier definition\n");
  }
  if (of.state != "completed") {
    fmt::print(
        "  effects that stand: {}\n",
        of.effects.empty() ? "none" : fmt::to_string(fmt::join(of.effects, ", ")));
  }
  text_table table{
      {{"at"},
       {"after", text_table::side::right},
       {"what"},
       {"step"},
       {"try"},
       {"epoch"},
       {"at node"},
       {"said"}}};
  std::int64_t before = of.records.empty() ? 0 : of.records.front().at;
  for (const wire::saga_record& each : of.records) {
    const std::string said = each.note.empty() ? body_text(each) : each.note;
    table.add(
        {at_text(each.at),
         age_text(milliseconds{std::max<std::int64_t>(0, each.at - before)}),
         each.what,
         cell_text(each.step),
         each.attempt == 0 ? "" : fmt::to_string(each.attempt),
         fmt::to_string(each.epoch),
         cell_text(each.node.value_or("?")),
         said.empty() ? "" : cell_text(said, 160)});
    before = each.at;
  }
  fmt::print("{}", table.for_terminal());
}

int run_show(const show_arguments& given) {
  TROUPE_TRY_EXIT(const auto plan, load_plan(given.file, given.json));
  const auto found = whole_history(plan, given);
  if (!found) {
    return print_error(
        found.error(),
        given.json,
        fmt::format(
            "`troupe sagas list {} --state completed` and so on lists them",
            shell_word(given.file)));
  }
  if (given.json) {
    fmt::print("{}\n", json_of(*found));
  } else {
    print_history(*found);
  }
  return exit_code::ok;
}

int run_graph(const graph_arguments& given) {
  std::vector<std::string> names;
  for (const actor_type& type : registered_types()) {
    for (const saga::definition& each : type.sagas) {
      const std::string name = type.name + "." + each.operation;
      if (given.name == name || given.name == each.operation) {
        fmt::print("{}", given.dot ? saga::dot_of(each) : saga::mermaid_of(each));
        return exit_code::ok;
      }
      names.push_back(name);
    }
  }
  return print_error(
      invalid(fmt::format(
          "this program has no saga `{}`; it has {}",
          given.name,
          names.empty() ? "none" : fmt::to_string(fmt::join(names, ", ")))),
      false);
}

} // namespace

void add_saga(command_line& line) {
  command all = line.add("saga", "One saga: its time line; or the diagram of a definition");
  all.footer(with_exit_codes());
  const auto shown = std::make_shared<show_arguments>();
  all.add("show", "Shows what a saga did, when, and what operators ordered")
      .word("FILE", shown->file, "the topology")
      .word("ID", shown->id, "which", check_uuid)
      .option("--deadline", shown->deadline, "how long to wait for the nodes [5s]")
      .flag("--json", shown->json, "one JSON object")
      .footer(with_exit_codes("`after` is the time since the line before. Requests are as this "
                              "release would make them."))
      .runs([shown] { return run_show(*shown); });
  const auto drawn = std::make_shared<graph_arguments>();
  all.add("graph", "Draws a saga definition of this program, as Mermaid")
      .word("NAME", drawn->name, "its operation, or TYPE.OPERATION")
      .flag("--dot", drawn->dot, "as DOT, for Graphviz")
      .footer(with_exit_codes())
      .runs([drawn] { return run_graph(*drawn); });
}

} // namespace troupe
