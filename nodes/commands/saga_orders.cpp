#include "nodes/commands/saga_orders.hpp"

#include "nodes/commands/plan_file.hpp"
#include "nodes/commands/saga_filter.hpp"
#include "nodes/commands/saga_order.hpp"
#include "nodes/connection.hpp"
#include "nodes/text_table.hpp"
#include "runtime/wire/json.hpp"
#include "runtime/wire/limits.hpp"

#include <fmt/format.h>
#include <memory>

namespace troupe {

namespace {

struct order_arguments {
  std::string file;
  saga_filter filter;
  std::string id;
  wire::order_saga order;
  milliseconds deadline{5'000};
  /// Whether it is the one order that nodes of an earlier release also know.
  bool is_plain_resume = false;
  bool all = false;
  bool dry_run = false;
  bool json = false;
};

constexpr auto no_reason = "no reason given";

/// A verb, and the states of the sagas to which it applies if none are given.
struct verb_words {
  const char* name;
  const char* does;
  /// The option by which an operator asserts something; null if none.
  const char* vouch_option;
  const char* vouch;
  std::vector<std::string> states;
};

std::string body_of(const order_arguments& given, const uuid& id) {
  if (given.is_plain_resume) {
    return wire::encoded(wire::resume_saga{
        .capability = given.order.capability,
        .id = id,
        .anew = given.order.vouched,
        .who = given.order.who});
  }
  wire::order_saga order = given.order;
  order.id = id;
  return wire::encoded(order);
}

/// Sends the order to all targets, one node after the other.
void give(const topology::plan& plan, const order_arguments& given, std::vector<order_target>& to) {
  give_order(
      to,
      given.is_plain_resume ? "resume_saga" : "order_saga",
      [&given](const uuid& id) { return body_of(given, id); },
      [&](const std::vector<question>& questions) {
        return ask_at_once(
            options_for_command(plan, addresses_of(plan), "sagas"), questions, given.deadline);
      });
}

/// Prints the results of orders to many sagas.
/// @return the number of refusals.
std::size_t print_all(const std::vector<order_target>& all, bool json) {
  std::size_t refused = 0;
  for (const order_target& each : all) {
    wire::json_object line;
    line.add("id", each.id);
    if (each.obeyed) {
      line.add("node", each.obeyed->node)
          .add("state", each.obeyed->state)
          .add("step", each.obeyed->step);
    } else {
      ++refused;
      line.add("code", name_of(each.refused->code)).add("message", message_of(*each.refused));
    }
    if (json) {
      fmt::print("{}\n", line.text());
    } else if (each.obeyed) {
      fmt::print("{}: {} at {}\n", to_string(each.id), state_text(*each.obeyed), each.obeyed->node);
    } else {
      fmt::print("{}: refused: {}\n", to_string(each.id), message_of(*each.refused));
    }
  }
  return refused;
}

int run_many(
    const order_arguments& given,
    const topology::plan& plan,
    const topology::capability_plan& meant) {
  saga_filter filter = given.filter;
  std::size_t count = 0;
  std::size_t refused = 0;
  bool is_part = false;
  for (;;) {
    saga_page page = list_sagas(plan, {&meant}, filter, given.deadline);
    is_part = print_silent(page.answers, given.json) || is_part;
    std::vector<order_target> targets;
    for (const auto& [key, each] : page.found) {
      targets.push_back({each.saga.id, each.nodes, given.order.vouched});
      if (given.dry_run && given.json) {
        fmt::print("{}\n", json_of(each));
      }
    }
    count += targets.size();
    if (!given.dry_run) {
      give(plan, given, targets);
      refused += print_all(targets, given.json);
    } else if (!given.json && !page.found.empty()) {
      fmt::print("{}", text_of(page));
    }
    if (!page.next) {
      break;
    }
    filter.after = to_string(*page.next);
  }
  if (!given.json) {
    print_aside(
        given.dry_run ? fmt::format("  {} sagas match; nothing was ordered\n", count)
                      : fmt::format("  {} sagas obey, {} refused\n", count - refused, refused));
  }
  return is_part ? exit_code::error : refused != 0 ? exit_code::rejected : exit_code::ok;
}

int run_one(
    const order_arguments& given,
    const topology::plan& plan,
    const topology::capability_plan& meant) {
  std::vector<order_target> one{{*parse_uuid(given.id), {}, given.order.vouched}};
  for (const auto& node : meant.nodes) {
    one[0].nodes.push_back(node.value);
  }
  give(plan, given, one);
  if (!one[0].obeyed) {
    return print_error(
        *one[0].refused,
        given.json,
        fmt::format("`troupe saga show {} {}` shows its state", shell_word(given.file), given.id));
  }
  if (given.json) {
    return static_cast<int>(print_all(one, true));
  }
  fmt::print("{} {} at {}\n", given.id, state_text(*one[0].obeyed), one[0].obeyed->node);
  return exit_code::ok;
}

int run(const order_arguments& given, const verb_words& verb) {
  const std::string command = fmt::format("sagas {}", verb.name);
  if (given.id.empty() && !given.filter.is_any() && !given.all) {
    return print_wrong_usage(command, "give the ID of a saga, a filter, or --all", given.json);
  }
  if (given.order.verb == "skip" && given.filter.step.empty()) {
    return print_wrong_usage(command, "name the step to skip with --step", given.json);
  }
  if (given.order.why.empty() || given.order.why.size() > wire::why_bytes_max) {
    return print_wrong_usage(
        command,
        fmt::format("say why with --reason, in 1 to {} bytes", wire::why_bytes_max),
        given.json);
  }
  TROUPE_TRY_EXIT(const auto plan, load_plan(given.file, given.json));
  TROUPE_TRY_EXIT(
      const auto meant, or_print(capabilities_meant(plan, given.filter.capability), given.json));
  order_arguments full = given;
  full.is_plain_resume = given.order.verb == "resume" && given.order.why == no_reason;
  full.order.capability = given.filter.capability;
  full.order.step = given.order.verb == "skip" ? given.filter.step : "";
  full.order.who = user_at_host().substr(0, wire::who_bytes_max);
  if (full.filter.states.empty()) {
    full.filter.states = verb.states;
  }
  return given.id.empty() ? run_many(full, plan, *meant.front())
                          : run_one(full, plan, *meant.front());
}

const std::vector<verb_words>& all_verbs() {
  static const char* const never = "asserts that its step never happened; without it a step that "
                                   "may have happened is asked, or undone, under its old id";
  static const std::vector<verb_words> verbs{
      {"resume",
       "Resumes sagas where they stopped",
       "--anew",
       never,
       {"parked", "paused", "failing", "left_alone"}},
      {"retry",
       "Retries the failed step of sagas, without waiting for the next attempt",
       "--anew",
       never,
       {"parked", "failing", "left_alone", "needs_person"}},
      {"pause",
       "Pauses sagas until they are resumed",
       nullptr,
       nullptr,
       {"forward", "undoing", "queued", "needs_person"}},
      {"park",
       "Parks sagas for an operator to look into",
       nullptr,
       nullptr,
       {"forward", "undoing", "needs_person"}},
      {"skip",
       "Counts the current step as done, or as undone",
       "--done",
       "asserts that the work of the step was done by hand: required for the pivot and the steps "
       "after it",
       {"parked", "paused", "left_alone", "needs_person"}},
      {"compensate",
       "Makes sagas turn back and undo what they did",
       "--anew",
       "asserts that its step never happened",
       {"forward", "parked", "paused", "left_alone"}}};
  return verbs;
}

} // namespace

void add_saga_orders(command& sagas) {
  for (const verb_words& verb : all_verbs()) {
    const auto given = std::make_shared<order_arguments>();
    given->order.verb = verb.name;
    const bool is_resume = given->order.verb == "resume";
    given->order.why = is_resume ? no_reason : "";
    command made = sagas.add(verb.name, verb.does);
    made.word("FILE", given->file, "the topology")
        .word("CAPABILITY", given->filter.capability, "whose sagas")
        .optional_word(
            "ID", given->id, "the saga; without it all that match the filter", check_uuid)
        .option("--reason", given->order.why, is_resume ? "why" : "why; it must be given");
    if (verb.vouch_option != nullptr) {
      made.flag(verb.vouch_option, given->order.vouched, verb.vouch);
    }
    add_filter(made, given->filter);
    made.flag("--all", given->all, "all sagas of the capability that the order applies to")
        .flag("--dry-run", given->dry_run, "lists the sagas that match, and orders nothing")
        .option("--deadline", given->deadline, "how long to wait for each node [5s]")
        .flag("--json", given->json, "one JSON object for each")
        .footer(with_exit_codes(fmt::format(
            "Without --state it applies to sagas that are {}.", fmt::join(verb.states, ", "))))
        .runs([given, &verb] { return run(*given, verb); });
  }
}

} // namespace troupe
