#include "nodes/commands/check.hpp"

#include "nodes/actor_types.hpp"
#include "nodes/commands/earlier_release.hpp"
#include "nodes/commands/left_behind.hpp"
#include "nodes/commands/plan_file.hpp"
#include "nodes/commands/saga_upgrade.hpp"
#include "runtime/wire/description.hpp"
#include "runtime/wire/json.hpp"
#include "topology/explain.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <memory>

namespace troupe {

namespace {

using wire::json_object;

struct check_arguments {
  std::string file;
  /// What an earlier release said with --json.
  std::string against;
  bool json = false;
};

json_object json_of(const topology::retention_rule& rule) {
  json_object json;
  json.add("topics", rule.pattern)
      .add("keep_ms", rule.keep.count())
      .add("bytes_max", rule.bytes_max)
      .add("drop_unread", rule.drop_unread);
  return json;
}

json_object json_of(
    const topology::capability_plan& capability, const std::vector<topology::actor_type>& types) {
  std::vector<json_object> on;
  for (const node_name& node : capability.nodes) {
    on.emplace_back()
        .add("node", node.value)
        .add_json("replicas", fmt::format("[{}]", fmt::join(capability.replicas_on(node), ",")));
  }
  const auto* const type = topology::type_named(capability.actor, types);
  json_object json;
  json.add("name", capability.name.value)
      .add("actor", capability.actor)
      .add("replicas", capability.replicas)
      .add("nodes", on)
      .add(
          "operations",
          type == nullptr ? std::vector<std::string>{} : type->described.operation_names())
      .add_json(
          "described",
          type == nullptr ? "null" : wire::to_json(wire::encoded(type->described)).value_or("null"))
      .add("subscribes", capability.subscribes)
      .add("store", capability.store);
  return json;
}

json_object json_of(const topology::events_plan& events) {
  std::vector<json_object> rules;
  for (const auto& each : events.rules) {
    rules.push_back(json_of(each));
  }
  rules.push_back(json_of(events.otherwise));
  json_object json;
  json.add("broker", events.broker).add("journal", events.journal).add("retention", rules);
  return json;
}

json_object json_of(const left_behind& database) {
  json_object json;
  json.add("file", database.file)
      .add("capability", database.capability)
      .add("events", database.events)
      .add("timers", database.timers)
      .add("effects", database.effects)
      .add("sagas", database.sagas)
      .add("postponed", database.postponed);
  return json;
}

json_object json_of(
    const topology::plan& plan,
    const std::vector<topology::actor_type>& types,
    const std::vector<left_behind>& strays) {
  std::vector<json_object> brokers;
  for (const auto& each : plan.brokers) {
    brokers.emplace_back().add("name", each.name).add("listen", each.listen);
  }
  std::vector<json_object> nodes;
  for (const auto& each : plan.nodes) {
    nodes.emplace_back().add("name", each.name.value).add("host", each.host);
  }
  std::vector<json_object> capabilities;
  for (const auto& each : plan.capabilities) {
    capabilities.push_back(json_of(each, types));
  }
  std::vector<json_object> left;
  for (const left_behind& each : strays) {
    left.push_back(json_of(each));
  }
  json_object json;
  json.add("ok", true)
      .add("file", plan.file)
      .add("name", plan.name)
      .add("digest", fmt::format("{:016x}", plan.digest))
      .add("brokers", brokers)
      .add("nodes", nodes)
      .add("capabilities", capabilities)
      .add("events", json_of(plan.events))
      .add("left_behind", left);
  return json;
}

/// Tells what breaks programs written for an earlier release.
int run_against(
    const check_arguments& given,
    const topology::plan& plan,
    const std::vector<topology::actor_type>& types) {
  const auto broken = broken_since(given.against, plan, types);
  if (!broken) {
    return print_error(broken.error(), given.json);
  }
  if (given.json) {
    fmt::print(
        "{}\n",
        json_object{}
            .add("ok", broken->empty())
            .add("file", plan.file)
            .add("breaks", *broken)
            .text());
  } else if (broken->empty()) {
    fmt::print("programs written for {} need no change\n", given.against);
  } else {
    fmt::print("{}\n", fmt::join(*broken, "\n"));
    print_aside(
        "  next: keep what is gone beside what is new (another field, operation or topic) until "
        "nobody uses it\n");
  }
  return broken->empty() ? exit_code::ok : exit_code::faults;
}

json_object json_of(const saga_upgrade& upgrade) {
  json_object json;
  json.add("file", upgrade.file)
      .add("capability", upgrade.capability)
      .add("operation", upgrade.operation)
      .add("sagas", upgrade.sagas)
      .add("has_steps", upgrade.has_steps)
      .add("gone", upgrade.gone);
  return json;
}

/// Tells what becomes of the sagas under way in copies of the databases.
int run_against_data(const check_arguments& given, const topology::plan& plan) {
  const auto found = find_saga_upgrades(plan, given.against);
  if (!found) {
    return print_error(found.error(), given.json);
  }
  const bool is_fine = std::none_of(
      found->begin(), found->end(), [](const saga_upgrade& each) { return each.stands_still(); });
  if (given.json) {
    std::vector<json_object> sagas;
    for (const saga_upgrade& each : *found) {
      sagas.push_back(json_of(each));
    }
    fmt::print(
        "{}\n", json_object{}.add("ok", is_fine).add("file", plan.file).add("sagas", sagas).text());
  } else {
    fmt::print("{}", found->empty() ? "sagas under way go on as they began\n" : text_of(*found));
  }
  return is_fine ? exit_code::ok : exit_code::faults;
}

int run(const check_arguments& given) {
  const auto types = actor_types();
  const auto plan = load_plan(given.file, given.json);
  if (!plan) {
    return plan.error();
  }
  if (std::filesystem::is_directory(given.against)) {
    return run_against_data(given, *plan);
  }
  if (!given.against.empty()) {
    return run_against(given, *plan, types);
  }
  const auto strays = find_left_behind(*plan);
  if (given.json) {
    fmt::print("{}\n", json_of(*plan, types, strays).text());
  } else {
    fmt::print("{}{}", topology::explain(*plan, types), text_of(strays));
  }
  return exit_code::ok;
}

} // namespace

void add_check(command_line& line) {
  const auto given = std::make_shared<check_arguments>();
  line.add("check", "Says everything wrong with a topology, or explains it")
      .word("FILE", given->file, "the topology")
      .option(
          "--against",
          given->against,
          "what an earlier release said with --json: tells what breaks its callers; or a folder "
          "with its databases, or copies: tells which sagas under way cannot go on")
      .flag("--json", given->json, "one JSON object instead of text")
      .footer(with_exit_codes())
      .runs([given] { return run(*given); });
}

} // namespace troupe
