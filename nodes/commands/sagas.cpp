#include "nodes/commands/sagas.hpp"

#include "nodes/commands/node_questions.hpp"
#include "nodes/commands/plan_file.hpp"
#include "nodes/connection.hpp"
#include "nodes/text_table.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/json.hpp"
#include "runtime/wire/limits.hpp"
#include "runtime/wire/node_calls.hpp"

#include <fmt/format.h>
#include <map>
#include <memory>

namespace troupe {

namespace {

using wire::json_object;

struct saga_arguments {
  std::string file;
  std::string capability;
  std::string id;
  std::string after;
  std::uint64_t count = 100;
  milliseconds deadline{5'000};
  bool anew = false;
  bool json = false;
};

/// A saga that stands still, and the nodes that say so.
struct standing {
  std::string capability;
  wire::standing_saga saga;
  std::vector<std::string> nodes;
};

std::string since_text(std::int64_t millis) {
  return utc_time_text(time_since_1970(milliseconds{millis}));
}

std::string json_of(const standing& from) {
  json_object line;
  line.add("id", from.saga.id)
      .add("capability", from.capability)
      .add("operation", from.saga.operation)
      .add("state", from.saga.state)
      .add("step", from.saga.step)
      .add("code", from.saga.code)
      .add("reason", from.saga.reason)
      .add("maybe_done", from.saga.maybe_done)
      .add("failures", from.saga.failures)
      .add("since", since_text(from.saga.since))
      .add("nodes", from.nodes);
  return line.text();
}

/// The questions to all nodes of a capability, or of all capabilities with a database.
std::vector<node_question> questions_of(
    const saga_arguments& given, const std::vector<const topology::capability_plan*>& meant) {
  std::vector<node_question> questions;
  for (const auto* const each : meant) {
    wire::get_standing_sagas asked{.capability = each->name.value};
    asked.count = static_cast<std::uint32_t>(given.count);
    if (!given.after.empty()) {
      asked.after = parse_uuid(given.after);
    }
    for (const auto& node : each->nodes) {
      questions.push_back({node.value, each->name.value, wire::encoded(asked)});
    }
  }
  return questions;
}

/// What the nodes say, by capability and id. A parked saga is named by each of them.
struct all_standing {
  std::map<std::pair<std::string, uuid>, standing> found;
  std::optional<uuid> next;
};

all_standing merged(std::vector<node_answer>& answers) {
  all_standing all;
  for (node_answer& each : answers) {
    if (!each.said) {
      continue;
    }
    const auto said = wire::checked_decode<wire::standing_sagas>(*each.said);
    if (!said) {
      each.said = failure{said.error()};
      continue;
    }
    for (const wire::standing_saga& saga : said->sagas) {
      standing& one = all.found[{each.capability, saga.id}];
      if (one.nodes.empty()) {
        one.capability = each.capability;
        one.saga = saga;
      }
      one.nodes.push_back(each.node);
    }
    if (said->next && (!all.next || *said->next < *all.next)) {
      all.next = said->next;
    }
  }
  return all;
}

void print_table(const all_standing& all) {
  text_table table{
      {{"id"}, {"capability"}, {"operation"}, {"state"}, {"at"}, {"since"}, {"reason"}}};
  for (const auto& [key, each] : all.found) {
    table.add(
        {to_string(each.saga.id),
         each.capability,
         cell_text(each.saga.operation),
         each.saga.state == "parked"
             ? each.saga.state
             : fmt::format("{} ({})", each.saga.state, fmt::join(each.nodes, ", ")),
         cell_text(each.saga.step),
         since_text(each.saga.since),
         cell_text(fmt::format("{}: {}", each.saga.code, each.saga.reason), 100)});
  }
  fmt::print("{}", table.text());
}

int run_list(const saga_arguments& given) {
  const auto plan = load_plan(given.file, given.json);
  if (!plan) {
    return plan.error();
  }
  const auto meant = capabilities_meant(*plan, given.capability);
  if (!meant) {
    return print_error(meant.error(), given.json);
  }
  auto answers = ask_nodes(*plan, "sagas", "sagas", questions_of(given, *meant), given.deadline);
  const all_standing all = merged(answers);
  if (given.json) {
    for (const auto& [key, each] : all.found) {
      fmt::print("{}\n", json_of(each));
    }
  } else if (all.found.empty()) {
    fmt::print("no saga stands still\n");
  } else {
    print_table(all);
  }
  const bool is_part = print_silent(answers, given.json);
  if (all.next && !given.json) {
    print_aside(fmt::format("  next: there are more, behind --after {}\n", to_string(*all.next)));
  } else if (!all.found.empty() && !given.json) {
    print_aside(fmt::format(
        "  next: `troupe sagas resume {} CAPABILITY ID`, once the reason is gone\n", given.file));
  }
  return is_part ? exit_code::error : exit_code::ok;
}

/// Whether another node may know more: this one is away, does not have the saga in its care, or is
/// of a release that does not know the order.
bool may_ask_on(const error& why) {
  return why.detail("reason") != "no_saga";
}

/// How much an error says of the saga.
int weight_of(const error& why) {
  return why.code == errc::conflict ? 3 : why.code == errc::rejected ? 2 : 1;
}

int run_resume(const saga_arguments& given) {
  const auto plan = load_plan(given.file, given.json);
  if (!plan) {
    return plan.error();
  }
  const auto meant = capabilities_meant(*plan, given.capability);
  if (!meant) {
    return print_error(meant.error(), given.json);
  }
  const std::string body = wire::encoded(wire::resume_saga{
      .capability = given.capability,
      .id = *parse_uuid(given.id),
      .anew = given.anew,
      .who = user_at_host().substr(0, wire::who_bytes_max)});
  std::optional<error> why;
  for (const auto& node : meant->front()->nodes) {
    auto answers = ask_nodes(
        *plan, "sagas", "resume_saga", {{node.value, given.capability, body}}, given.deadline);
    outcome<std::string>& said = answers.front().said;
    if (said) {
      if (given.json) {
        fmt::print("{}\n", json_object{}.add("id", given.id).add("node", node.value).text());
      } else {
        fmt::print("{} goes on at {}\n", given.id, node.value);
      }
      return exit_code::ok;
    }
    const bool asks_on = may_ask_on(said.error());
    if (!why || weight_of(said.error()) > weight_of(*why)) {
      why = std::move(said).error();
    }
    if (!asks_on) {
      break;
    }
  }
  return print_error(
      *why,
      given.json,
      fmt::format(
          "`troupe sagas list {} {}` says what stands still", given.file, given.capability));
}

} // namespace

void add_sagas(command_line& line) {
  const auto given = std::make_shared<saga_arguments>();
  command all = line.add("sagas", "Sagas that stand still: parked, failing or left alone");
  all.footer(with_exit_codes());
  all.add("list", "Lists them, each with its reason")
      .word("FILE", given->file, "the topology")
      .optional_word("CAPABILITY", given->capability, "only those of one capability")
      .option("--after", given->after, "only those behind this ID", check_uuid)
      .option("--count", given->count, "so many at most of each capability [100]", 1, 100)
      .option("--deadline", given->deadline, "how long to wait for the nodes [5s]")
      .flag("--json", given->json, "one JSON object for each")
      .footer(with_exit_codes(
          "parked: waits for a person. failing: the node tries it again, with growing waits. "
          "left_alone: the program of the node named has no plan for it.\nEnds with 4 if a node "
          "did not answer."))
      .runs([given] { return run_list(*given); });
  all.add("resume", "Has one go on where it stood")
      .word("FILE", given->file, "the topology")
      .word("CAPABILITY", given->capability, "whose saga")
      .word("ID", given->id, "which", check_uuid)
      .flag(
          "--anew",
          given->anew,
          "you vouch that its step never happened: it is asked under a new id. Without it a step "
          "that may have happened is asked again under its old id")
      .option("--deadline", given->deadline, "how long to wait for each node [5s]")
      .flag("--json", given->json, "one JSON object")
      .footer(with_exit_codes())
      .runs([given] { return run_resume(*given); });
}

} // namespace troupe
