#include "nodes/commands/check.hpp"

#include "nodes/actor_types.hpp"
#include "nodes/commands/check_access.hpp"
#include "nodes/commands/checked_invariants.hpp"
#include "nodes/commands/earlier_release.hpp"
#include "nodes/commands/left_behind.hpp"
#include "nodes/commands/plan_file.hpp"
#include "nodes/commands/saga_upgrade.hpp"
#include "nodes/commands/stranded.hpp"
#include "nodes/text_table.hpp"
#include "runtime/actor/registry.hpp"
#include "runtime/contains.hpp"
#include "runtime/wire/description.hpp"
#include "runtime/wire/json.hpp"
#include "topology/access_text.hpp"
#include "topology/explain.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <variant>

namespace troupe {

namespace {

using wire::json_object;

struct check_arguments {
  std::string file;
  /// The other side of the comparison: the --json output of an earlier release, a topology, or a
  /// folder of databases.
  std::string against;
  bool rights = false;
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

json_object json_of(const topology::gateway_plan& gateway) {
  std::vector<json_object> routes;
  for (const topology::route_plan& each : gateway.routes) {
    json_object& route = routes.emplace_back();
    route.add("method", http::name_of(each.key.method)).add("path", each.key.path.text());
    if (const auto* const call = std::get_if<topology::call_route_plan>(&each.does)) {
      json_object rejected;
      for (const auto& [reason, status] : call->rejected) {
        rejected.add(reason, status);
      }
      route.add("calls", fmt::format("{}.{}", call->capability.value, call->operation))
          .add("deadline_ms", call->deadline.count())
          .add("status", call->status)
          .add("rejected", rejected)
          .add("wants_key", call->wants_key);
    } else {
      route.add("events", std::get<topology::events_route_plan>(each.does).patterns);
    }
    route.add("wants_token", each.wants_token);
  }
  json_object json;
  json.add("name", gateway.name)
      .add("host", gateway.host)
      .add("listen", gateway.listen)
      .add("admin", gateway.admin)
      .add("routes", routes);
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
      .add("postponed", database.postponed)
      .add("is_from_before_server", database.is_from_before_server)
      .add("empty_place", database.empty_place);
  return json;
}

json_object json_of(
    const topology::plan& plan,
    const std::vector<topology::actor_type>& types,
    const std::vector<left_behind>& strays) {
  std::vector<json_object> brokers;
  for (const auto& each : plan.brokers) {
    brokers.emplace_back().add("name", each.name).add("listen", each.listen).add("host", each.host);
  }
  std::vector<json_object> nodes;
  for (const auto& each : plan.nodes) {
    nodes.emplace_back().add("name", each.name.value).add("host", each.host);
  }
  std::vector<json_object> capabilities;
  for (const auto& each : plan.capabilities) {
    capabilities.push_back(json_of(each, types));
  }
  std::vector<json_object> gateways;
  for (const auto& each : plan.gateways) {
    gateways.push_back(json_of(each));
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
      .add("gateways", gateways)
      .add("events", json_of(plan.events))
      .add("left_behind", left);
  return json;
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

/// The fate of the running sagas in a folder of databases, or in the databases of an earlier
/// topology.
outcome<saga_upgrades> upgrades_of(
    const check_arguments& given, const topology::plan& plan, const earlier_databases& earlier) {
  const auto types = registered_types();
  if (std::filesystem::is_directory(given.against)) {
    return find_saga_upgrades(plan, given.against, types);
  }
  return find_saga_upgrades(plan, earlier, types).map([&](saga_upgrades found) {
    found.not_looked_at = earlier.not_looked_at;
    return found;
  });
}

/// Reports what breaks programs written for an earlier release, which work of an earlier topology
/// or a folder of databases no process would continue, and what becomes of running sagas there.
int run_against(
    const check_arguments& given,
    const topology::plan& plan,
    const std::vector<topology::actor_type>& types) {
  const bool has_data = is_topology_or_data(given.against);
  const auto earlier = has_data ? databases_of(given.against, types) : outcome<earlier_databases>{};
  if (!earlier) {
    return print_error(earlier.error(), given.json);
  }
  const auto broken = has_data
                          ? outcome<std::vector<std::string>>{stranded_by(*earlier, plan, types)}
                          : broken_since(given.against, plan, types);
  if (!broken) {
    return print_error(broken.error(), given.json);
  }
  const auto upgrades = has_data ? upgrades_of(given, plan, *earlier) : outcome<saga_upgrades>{};
  if (!upgrades) {
    return print_error(upgrades.error(), given.json);
  }
  const std::vector<saga_upgrade>& under_way = upgrades->found;
  const bool is_fine = broken->empty() && std::ranges::none_of(under_way, [](const auto& each) {
                         return each.stands_still();
                       });
  const bool sees_all_sagas = upgrades->not_looked_at.empty();
  std::vector<std::string> not_looked_at = earlier->not_looked_at;
  for (const std::string& each : upgrades->not_looked_at) {
    if (!contains(not_looked_at, each)) {
      not_looked_at.push_back(each);
    }
  }
  if (given.json) {
    std::vector<json_object> sagas;
    for (const saga_upgrade& each : under_way) {
      sagas.push_back(json_of(each));
    }
    json_object json;
    json.add("ok", is_fine).add("file", plan.file).add("breaks", *broken);
    if (has_data) {
      json.add("sagas", sagas);
    }
    if (!not_looked_at.empty()) {
      json.add("not_looked_at", not_looked_at);
    }
    fmt::print("{}\n", json.text());
    return is_fine ? exit_code::ok : exit_code::faults;
  }
  if (broken->empty()) {
    fmt::print(
        "{} {}\n",
        has_data ? "nothing is left without an owner of"
                 : "no change is needed by programs written for",
        given.against);
  } else {
    fmt::print("{}\n", fmt::join(*broken, "\n"));
    print_aside("  next: keep the old name, field, operation or topic beside the new one until "
                "nobody needs it\n");
  }
  if (has_data) {
    fmt::print(
        "{}",
        !under_way.empty() ? text_of(under_way)
        : sees_all_sagas   ? "sagas under way go on as they began\n"
                           : "sagas under way in the databases looked at go on as they began\n");
  }
  if (!not_looked_at.empty()) {
    fmt::print("not looked at: {}\n", fmt::join(not_looked_at, "; "));
  }
  return is_fine ? exit_code::ok : exit_code::faults;
}

int run(const check_arguments& given) {
  const auto types = actor_types();
  TROUPE_TRY_EXIT(const auto plan, load_plan(given.file, given.json));
  if (const auto faulty = faulty_invariants(plan, types); !faulty.empty()) {
    for (const reconcile::invariants_file& each : faulty) {
      print_faults({each.path, each.faults}, given.json);
    }
    return exit_code::faults;
  }
  if (!given.against.empty()) {
    return run_against(given, plan, types);
  }
  const auto strays = find_left_behind(plan);
  const key_findings keys = find_keys(plan);
  if (given.json) {
    json_object json = json_of(plan, types, strays);
    if (plan.security) {
      json.add("keys", json_of(plan, keys));
    }
    if (given.rights) {
      json.add("rights", rights_json(plan, types));
    }
    fmt::print("{}\n", json.text());
  } else {
    const std::string text = fmt::format(
        "{}{}{}{}",
        topology::explain(plan, types),
        given.rights ? topology::access_text(plan, types) : "",
        text_of(plan, keys),
        text_of(strays, shell_word(given.file)));
    const std::size_t columns = terminal_columns(std::string::npos);
    fmt::print("{}", columns == std::string::npos ? text : fitted(text, columns));
  }
  return exit_code::ok;
}

} // namespace

void add_check(command_line& line) {
  const auto given = std::make_shared<check_arguments>();
  line.add("check", "Checks a topology: lists its faults, or explains what it means")
      .word("FILE", given->file, "the topology")
      .option(
          "--against",
          given->against,
          "the --json output of an earlier release: reports what breaks its callers; an earlier "
          "topology, or a folder of databases: reports work that would be left undone")
      .flag("--rights", given->rights, "also shows who may do what")
      .flag("--json", given->json, "one JSON object instead of text")
      .footer(with_exit_codes())
      .runs([given] { return run(*given); });
}

} // namespace troupe
