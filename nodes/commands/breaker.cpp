#include "nodes/commands/breaker.hpp"

#include "nodes/commands/node_questions.hpp"
#include "nodes/commands/plan_file.hpp"
#include "nodes/connection.hpp"
#include "nodes/text_table.hpp"
#include "runtime/contains.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/json.hpp"
#include "runtime/wire/limits.hpp"
#include "runtime/wire/node_calls.hpp"

#include <fmt/format.h>
#include <memory>

namespace troupe {

namespace {

using wire::json_object;

struct breaker_arguments {
  std::string file;
  std::string capability;
  /// "open", "closed", "disabled" or "auto"; empty: only show.
  std::string state;
  std::string why;
  /// The only node to order; empty: every node of the capability.
  std::string node;
  milliseconds deadline{2'000};
  bool json = false;
};

/// The state of one node's breaker, or why it is unknown.
struct report {
  std::string node;
  outcome<wire::breaker_report> said;
};

std::string check_why(const std::string& why) {
  return why.size() <= wire::why_bytes_max
             ? ""
             : fmt::format(
                 "a reason of {} bytes; {} are the limit", why.size(), wire::why_bytes_max);
}

/// The nodes to order, or why there are none.
outcome<std::vector<std::string>>
nodes_of(const topology::plan& plan, const breaker_arguments& given) {
  const auto* const capability = plan.find(capability_name{given.capability});
  if (capability == nullptr) {
    return failure{unknown_capability(plan, given.capability)};
  }
  std::vector<std::string> nodes;
  for (const auto& each : capability->nodes) {
    nodes.push_back(each.value);
  }
  if (given.node.empty()) {
    return nodes;
  }
  if (!contains(nodes, given.node)) {
    return failure{invalid(fmt::format(
        "`{}` does not run on `{}`; it runs on {}",
        given.capability,
        given.node,
        fmt::join(nodes, ", ")))};
  }
  return std::vector{given.node};
}

std::string body_of(const breaker_arguments& given) {
  if (given.state.empty()) {
    return wire::encoded(wire::get_breaker{given.capability});
  }
  return wire::encoded(wire::force_breaker{
      .capability = given.capability,
      .mode = given.state,
      .who = user_at_host().substr(0, wire::who_bytes_max),
      .why = given.why,
      .request = uuid_source{}.next(std::chrono::system_clock::now()),
      .only_here = !given.node.empty()});
}

std::vector<report>
ask(const topology::plan& plan,
    const breaker_arguments& given,
    const std::vector<std::string>& nodes) {
  const std::string body = body_of(given);
  std::vector<question> questions;
  questions.reserve(nodes.size());
  for (const std::string& each : nodes) {
    questions.push_back(
        {"troupe.node." + each, given.state.empty() ? "breaker" : "force_breaker", body});
  }
  const auto answers = ask_at_once(
      options_for_command(plan, addresses_of(plan), "breaker"), questions, given.deadline);
  std::vector<report> reports;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    reports.push_back({nodes[i], answers[i].and_then(wire::checked_decode<wire::breaker_report>)});
  }
  return reports;
}

/// The advice about nodes that did not answer; empty if all did.
std::string next_of(const breaker_arguments& given, const std::vector<report>& reports) {
  std::vector<std::string> silent;
  bool is_kept = false;
  for (const report& each : reports) {
    if (!each.said) {
      silent.push_back(each.node);
    }
    is_kept = is_kept || (each.said && each.said->durable);
  }
  if (silent.empty()) {
    return {};
  }
  if (!given.state.empty() && is_kept) {
    return fmt::format(
        "it is stored in the database of `{}`, where {} will find it; `troupe status {}` shows the "
        "nodes",
        given.capability,
        fmt::join(silent, ", "),
        shell_word(given.file));
  }
  return fmt::format(
      "`troupe status {0}` shows the nodes, `troupe up {0}` starts missing ones{1}",
      shell_word(given.file),
      given.state.empty() ? "" : "; then run the command again");
}

json_object json_of(const report& from) {
  json_object one;
  one.add("node", from.node).add("answers", from.said.has_value());
  if (!from.said) {
    json_object why;
    why.add("code", name_of(from.said.error().code)).add("message", message_of(from.said.error()));
    return one.add("error", why);
  }
  one.add("state", from.said->state).add("durable", from.said->durable);
  if (const auto& order = from.said->order) {
    json_object last;
    last.add("mode", order->mode)
        .add("who", order->who)
        .add("why", order->why)
        .add("since", utc_time_text(milliseconds{order->since}))
        .add("request", order->request);
    one.add("order", last);
  }
  return one;
}

void print_json(
    const breaker_arguments& given, const std::vector<report>& reports, const std::string& next) {
  std::vector<json_object> nodes;
  for (const report& each : reports) {
    nodes.push_back(json_of(each));
  }
  json_object all;
  all.add("capability", given.capability).add("nodes", nodes);
  if (!next.empty()) {
    all.add("next", next);
  }
  fmt::print("{}\n", all.text());
}

void print_table(
    const breaker_arguments& given, const std::vector<report>& reports, const std::string& next) {
  text_table table{{{"node"}, {"breaker"}, {"last set to"}, {"by"}, {"since"}, {"why"}}};
  bool is_fleeting = false;
  for (const report& each : reports) {
    if (!each.said) {
      table.add({each.node, "no answer", "", "", "", ""});
      continue;
    }
    const wire::breaker_order order = each.said->order.value_or(wire::breaker_order{});
    const bool is_set = each.said->order.has_value();
    is_fleeting = is_fleeting || (is_set && order.mode != "auto" && !each.said->durable);
    table.add(
        {each.node,
         each.said->state,
         order.mode,
         cell_text(order.who),
         is_set ? utc_time_text(milliseconds{order.since}) : "",
         cell_text(order.why)});
  }
  fmt::print("{}", table.for_terminal());
  if (is_fleeting) {
    fmt::print("\n`{}` has no database: this lasts until the worker restarts\n", given.capability);
  }
  for (const report& each : reports) {
    if (!each.said) {
      print_aside(fmt::format(
          "{}: {}: {}\n",
          each.node,
          name_of(each.said.error().code),
          message_of(each.said.error())));
    }
  }
  if (!next.empty()) {
    print_aside(fmt::format("  next: {}\n", next));
  }
}

int run(const breaker_arguments& given) {
  if (given.state.empty() != given.why.empty()) {
    return print_wrong_usage(
        "breaker",
        given.why.empty() ? "say why, with --why 'the reason'; refused callers see it"
                          : "--why goes with open, closed, disabled or auto",
        given.json);
  }
  TROUPE_TRY_EXIT(const auto plan, load_plan(given.file, given.json));
  TROUPE_TRY_EXIT(const auto nodes, or_print(nodes_of(plan, given), given.json));
  const std::vector<report> reports = ask(plan, given, nodes);
  const std::string next = next_of(given, reports);
  if (given.json) {
    print_json(given, reports, next);
  } else {
    print_table(given, reports, next);
  }
  return next.empty() ? exit_code::ok : exit_code::error;
}

} // namespace

void add_breaker(command_line& line) {
  const auto given = std::make_shared<breaker_arguments>();
  line.add("breaker", "Shows the circuit breakers of a capability, or sets them by hand")
      .word("FILE", given->file, "the topology")
      .word("CAPABILITY", given->capability, "whose breakers")
      .optional_word(
          "STATE",
          given->state,
          "open: refuse every call; closed: let every call through, whatever fails; disabled: the "
          "same, without counting failures; auto: automatic again. Left out: only show the state",
          one_of({"open", "closed", "disabled", "auto"}))
      .option(
          "--why",
          given->why,
          "the reason, shown to refused callers; required with STATE",
          check_why)
      .option("--node", given->node, "only on this node [every node of the capability]")
      .option("--deadline", given->deadline, "how long to wait for each node [2s]")
      .flag("--json", given->json, "one JSON object instead of a table")
      .footer(with_exit_codes(
          "Stays in force until set to auto, also across restarts if the capability has a "
          "database. Example: troupe breaker shop.yaml payments open --why 'the "
          "provider charges twice'\nEnds with 4 if a node did not answer."))
      .runs([given] { return run(*given); });
}

} // namespace troupe
