#include "topology/capability_checks.hpp"

#include "topology/events.hpp"
#include "topology/faults.hpp"
#include "topology/store_path.hpp"
#include "topology/type_checks.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::topology {

namespace {

/// The capability being checked.
struct subject {
  const draft& checked;
  const capability_plan& plan;
  const config_tree& section;
  bool nodes_are_read;

  const std::string& name() const { return plan.name.value; }

  /// The position of the value of `key`, or of the capability if its section lacks the key.
  file_position at(std::string_view key) const { return position_of({section.find(key)}, plan.at); }
};

void check_placement(const subject& on, std::vector<fault>& found) {
  if (!on.nodes_are_read) {
    return;
  }
  if (on.plan.nodes.empty()) {
    found.push_back(
        {on.at("nodes"),
         fmt::format("capability `{}` is placed on no node", on.name()),
         "name a node in `nodes`, or leave `nodes` out to use all"});
    return;
  }
  const auto nodes = static_cast<int>(on.plan.nodes.size());
  if (on.plan.replicas < nodes) {
    found.push_back(
        {on.at("replicas"),
         fmt::format(
             "`replicas` of capability `{}` is {} for {} nodes: node `{}` would run none",
             on.name(),
             on.plan.replicas,
             nodes,
             on.plan.nodes.back().value),
         fmt::format("raise `replicas` to {} or name fewer nodes", nodes)});
  }
}

/// On a server the data are in a schema of the capability's name.
void check_schema(const subject& on, std::vector<fault>& found) {
  if (!on.plan.store || !is_on_server(*on.plan.store)) {
    return;
  }
  if (const std::string wrong = fault_of_schema(on.name()); !wrong.empty()) {
    found.push_back(
        {on.plan.at,
         fmt::format(
             "capability `{}` keeps its data in a schema of its name, which {}", on.name(), wrong),
         "give it another name, or a file: `store: \"sqlite:data/{capability}.db\"`"});
  }
}

/// A SQLite file cannot be reached from another machine, and over a network file system its locks
/// do not hold. @source https://www.sqlite.org/howtocorrupt.html, 2.1.
void check_one_host(const subject& on, std::vector<fault>& found) {
  if (!on.plan.store || is_on_server(*on.plan.store)) {
    return;
  }
  const node_plan* first = nullptr;
  for (const node_name& name : on.plan.nodes) {
    const node_plan* node = on.checked.result.find(name);
    if (node == nullptr) {
      continue;
    }
    first = first == nullptr ? node : first;
    if (node->host != first->host) {
      found.push_back(
          {on.at("nodes"),
           fmt::format(
               "capability `{}` keeps its data in SQLite but runs on two hosts: node `{}` on {}, "
               "node `{}` on {}",
               on.name(),
               first->name.value,
               first->host,
               node->name.value,
               node->host),
           "place it on the nodes of one host"});
      return;
    }
  }
}

void check_intensity(const subject& on, std::vector<fault>& found) {
  const auto& options = on.plan.supervision;
  const auto shortest = shortest_time_to_trip(options);
  if (shortest <= options.within) {
    return;
  }
  // A fault of the defaults is reported once, at the defaults.
  found.push_back(
      {position_of(
           {on.section.find("supervision"), on.checked.find("defaults", "supervision")},
           on.plan.at),
       fmt::format(
           "the restart intensity can never trip: with a back-off of {}..{} the {} restarts that "
           "exceed max_restarts {} take {} at least, and within is {}",
           duration_text(options.backoff_min),
           duration_text(options.backoff_max),
           options.max_restarts + 1,
           options.max_restarts,
           duration_text(shortest),
           duration_text(options.within)),
       fmt::format(
           "raise `within` to {}, or lower `max_restarts` or `backoff`", duration_text(shortest))});
}

/// Checks that each call of the capability's sagas has a capability in the topology that serves it.
void check_calls(
    const subject& on,
    const actor_type& type,
    const std::vector<actor_type>& types,
    std::vector<fault>& found) {
  for (const called_operation& made : type.calls) {
    const std::string& call = made.to;
    const std::size_t dot = call.find('.');
    const std::string callee = call.substr(0, dot);
    const std::string operation = dot == std::string::npos ? "" : call.substr(dot + 1);
    const capability_plan* target = on.checked.result.find(capability_name{callee});
    if (target == nullptr) {
      found.push_back(
          {on.at("actor"),
           fmt::format(
               "the sagas of capability `{}` call `{}`, and there is no capability `{}`",
               on.name(),
               call,
               callee),
           fmt::format("add capability `{}`", callee)});
      continue;
    }
    const actor_type* serving = type_named(target->actor, types);
    // An unknown actor type is reported elsewhere.
    if (serving == nullptr) {
      continue;
    }
    const wire::operation_description* const served = serving->described.find(operation);
    if (served == nullptr) {
      found.push_back(
          {on.at("actor"),
           fmt::format(
               "the sagas of capability `{}` call `{}`, which the actor type `{}` of capability "
               "`{}` does not serve",
               on.name(),
               call,
               serving->name,
               callee),
           fmt::format("give capability `{}` an actor type that serves it", callee)});
      continue;
    }
    check_call_types(on.name(), on.at("actor"), made, type, *served, *serving, found);
  }
}

void check_type(
    const subject& on, const std::vector<actor_type>& types, std::vector<fault>& found) {
  const actor_type* type = type_named(on.plan.actor, types);
  if (type == nullptr) {
    std::vector<std::string> names;
    names.reserve(types.size());
    for (const actor_type& each : types) {
      names.push_back(each.name);
    }
    const std::string all = names.empty()
                                ? "no actor type is linked into this program"
                                : fmt::format("the actor types are {}", fmt::join(names, ", "));
    found.push_back(
        {on.at("actor"),
         fmt::format("capability `{}` has the unknown actor type `{}`", on.name(), on.plan.actor),
         remedy_for_unknown(on.plan.actor, names, all)});
    return;
  }
  if (type->wants_store && !on.plan.store) {
    found.push_back(
        {position_of({on.section.find("store"), on.checked.root->find("store")}, on.plan.at),
         fmt::format(
             "capability `{}` has no store, and its actor type `{}` needs one",
             on.name(),
             type->name),
         fmt::format("give it one: `store: \"sqlite:data/{}.db\"`", on.name())});
  }
  check_calls(on, *type, types, found);
  check_subscriptions(on.plan, on.section, *type, found);
  check_event_types(on.checked.result, on.plan, on.section, types, found);
  if (type->check_config) {
    type->check_config(on.plan.config, found);
  }
}

} // namespace

void check_capabilities(
    const draft& checked, const std::vector<actor_type>& types, std::vector<fault>& found) {
  const auto& capabilities = checked.result.capabilities;
  for (std::size_t i = 0; i < capabilities.size(); ++i) {
    const subject on{checked, capabilities[i], *checked.sections[i], checked.nodes_are_read[i]};
    check_placement(on, found);
    check_one_host(on, found);
    check_schema(on, found);
    check_intensity(on, found);
    check_type(on, types, found);
  }
}

std::chrono::milliseconds shortest_time_to_trip(const supervision::options& options) {
  // Restart k waits backoff_min * 2^(k-1), at most backoff_max; jitter only lengthens this. The
  // failure that would need restart max_restarts + 1 comes after max_restarts waits, measured from
  // the first failure.
  std::chrono::milliseconds wait = options.backoff_min;
  std::chrono::milliseconds sum{0};
  for (int restart = 0; restart < options.max_restarts; ++restart) {
    sum += wait;
    wait = std::min(wait * 2, options.backoff_max);
  }
  return sum;
}

} // namespace troupe::topology
