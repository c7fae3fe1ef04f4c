#include "nodes/commands/describe.hpp"

#include "nodes/commands/node_questions.hpp"
#include "nodes/commands/plan_file.hpp"
#include "runtime/wire/description.hpp"
#include "runtime/wire/json.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <memory>

namespace troupe {

namespace {

using wire::json_object;

constexpr std::size_t columns = 80;

struct describe_arguments {
  std::string file;
  std::string capability;
  milliseconds deadline{5'000};
  bool json = false;
};

/// A description, and the nodes that gave it: all nodes, unless they run different releases.
struct version {
  wire::capability_description description;
  std::vector<std::string> nodes;
};

/// "list of line", "map of int64", "open | shut".
std::string text_of(const wire::value_schema& type) {
  std::string text;
  for (const wire::form each : type.within) {
    text += fmt::format("{} of ", wire::word_of(each));
  }
  if (type.is == wire::form::words) {
    return text + fmt::format("{}", fmt::join(type.words, " | "));
  }
  return text + type.message.value_or(std::string{wire::word_of(type.is)});
}

/// Prints `name` and `text` in two columns; a long text is wrapped inside its column.
void print_entry(std::size_t indent, std::size_t width, const std::string& name, std::string text) {
  std::string head = fmt::format("{:{}}{:<{}}  ", "", indent, name, width);
  const std::size_t room = columns - std::min(head.size(), columns / 2);
  while (!text.empty()) {
    std::size_t end = text.size();
    if (end > room) {
      const std::size_t blank = text.rfind(' ', room);
      end = blank == std::string::npos || blank == 0 ? room : blank;
    }
    fmt::print("{}{}\n", head, text.substr(0, end));
    text.erase(0, end);
    text.erase(0, text.find_first_not_of(' '));
    head.assign(head.size(), ' ');
  }
}

struct entry {
  std::string name;
  std::string text;
};

void print_entries(std::size_t indent, const std::vector<entry>& entries) {
  std::size_t width = 0;
  for (const entry& each : entries) {
    width = std::max(width, each.name.size());
  }
  for (const entry& each : entries) {
    print_entry(indent, std::min<std::size_t>(width, 32), each.name, each.text);
  }
}

void print_section(const char* heading, const std::vector<entry>& entries) {
  if (!entries.empty()) {
    fmt::print("  {}\n", heading);
    print_entries(4, entries);
  }
}

std::vector<entry> operations_of(const wire::actor_description& type, wire::operation_kind kind) {
  std::vector<entry> entries;
  for (const wire::operation_description& each : type.operations) {
    if (each.kind == kind) {
      entries.push_back(
          {each.name,
           fmt::format("{} -> {}", each.request.value_or("any"), each.reply.value_or("any"))});
    }
  }
  return entries;
}

std::vector<entry> topics_of(const std::vector<wire::topic_description>& topics) {
  std::vector<entry> entries;
  for (const wire::topic_description& each : topics) {
    entries.push_back({each.pattern, each.event.value_or("any")});
  }
  return entries;
}

void print(const version& what) {
  const wire::actor_description& type = what.description.type;
  fmt::print(
      "{}: actor `{}`, on {}\n",
      what.description.capability,
      type.actor,
      fmt::join(what.nodes, ", "));
  print_section("queries", operations_of(type, wire::operation_kind::query));
  print_section("commands", operations_of(type, wire::operation_kind::command));
  print_section("sagas", operations_of(type, wire::operation_kind::saga));
  print_section("handles", topics_of(type.handles));
  if (!what.description.subscribes.empty()) {
    fmt::print("  subscribes to {}\n", fmt::join(what.description.subscribes, ", "));
  }
  print_section("publishes", topics_of(type.publishes));
  if (!type.types.empty()) {
    fmt::print("  types\n");
  }
  for (const wire::message_schema& each : type.types) {
    fmt::print("    {}{}\n", each.name, each.fields.empty() ? ": no fields" : "");
    std::vector<entry> fields;
    for (const wire::field_schema& field : each.fields) {
      fields.push_back({field.name, text_of(field.type) + (field.optional ? ", optional" : "")});
    }
    print_entries(6, fields);
  }
}

std::string json_of(const version& what) {
  return json_object{}
      .add("nodes", what.nodes)
      .add_json("description", wire::to_json(wire::encoded(what.description)).value_or("null"))
      .text();
}

/// The distinct descriptions, in the order of the nodes.
std::vector<version> versions_in(std::vector<node_answer>& answers) {
  std::vector<version> found;
  std::map<std::string, std::size_t> known;
  const auto take = [&](const node_answer& from, wire::node_description said) {
    for (wire::capability_description& one : said.capabilities) {
      const auto [at, is_new] = known.try_emplace(wire::encoded(one), found.size());
      if (is_new) {
        found.push_back({std::move(one), {}});
      }
      found[at->second].nodes.push_back(from.node);
    }
  };
  take_answers<wire::node_description>(answers, take);
  return found;
}

int run(const describe_arguments& given) {
  TROUPE_TRY_EXIT(const auto plan, load_plan(given.file, given.json));
  const auto* const capability = plan.find(capability_name{given.capability});
  if (capability == nullptr) {
    return print_error(unknown_capability(plan, given.capability), given.json);
  }
  const auto questions =
      questions_to(*capability, wire::encoded(wire::describe_node{.capability = given.capability}));
  auto answers = ask_nodes(plan, "describe", "describe", questions, given.deadline);
  for (const version& each : versions_in(answers)) {
    if (given.json) {
      fmt::print("{}\n", json_of(each));
    } else {
      print(each);
    }
  }
  return print_silent(answers, given.json) ? exit_code::error : exit_code::ok;
}

} // namespace

void add_describe(command_line& line) {
  const auto given = std::make_shared<describe_arguments>();
  line.add("describe", "Shows the operations, topics and types of a capability, as it runs")
      .word("FILE", given->file, "the topology")
      .word("CAPABILITY", given->capability, "one of its capabilities")
      .option("--deadline", given->deadline, "how long to wait for the nodes [5s]")
      .flag("--json", given->json, "a JSON object for each different description")
      .footer(with_exit_codes("Nodes that run different releases are shown one after the other."))
      .runs([given] { return run(*given); });
}

} // namespace troupe
