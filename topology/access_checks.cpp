#include "topology/access_checks.hpp"

#include "runtime/contains.hpp"
#include "runtime/wire/events.hpp"
#include "topology/faults.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <utility>

namespace troupe::topology {

namespace {

using security::act;

/// The prefixes of Troupe's own operations, of which a right can name a part; a node's name follows
/// `troupe.node.`.
constexpr std::array<std::string_view, 3> own_names{
    "troupe.broker.", "troupe.events.", "troupe.node."};
/// Troupe's own topics.
constexpr std::array<std::string_view, 2> own_topics{"troupe.flags", "troupe.differences"};

/// The rule being checked.
struct rule_subject {
  const plan& whole;
  const access_rule& rule;
  const capability_plan* capability;
  const actor_type* type;
  std::vector<fault>& found;

  void never_holds(act what, std::size_t place, std::string why, std::string remedy) const {
    const auto index = static_cast<std::size_t>(what);
    found.push_back(
        {rule.places.at(index).at(place),
         fmt::format(
             "`{}` in `{}` of `{}` never holds: {}",
             security::rights_to(what, rule.may)[place],
             security::name_of(what),
             rule.who,
             why),
         std::move(remedy)});
  }
};

bool meets(std::string_view right, std::string_view pattern) {
  return security::covers(right, pattern) || security::covers(pattern, right);
}

/// Checks a right to one of Troupe's own operations or topics.
void check_own(const rule_subject& on, std::size_t place, std::string_view right) {
  const bool is_known = right == "troupe.*" || contains(own_topics, right)
                        || std::ranges::any_of(own_names, [&](std::string_view each) {
                             return right.starts_with(each);
                           });
  if (!is_known) {
    on.never_holds(
        act::call,
        place,
        "Troupe answers nothing of this name",
        "write troupe.broker.*, troupe.events.*, troupe.node.* or troupe.*");
  }
}

void check_call_right(
    const rule_subject& on,
    std::size_t place,
    const std::string& right,
    const std::vector<actor_type>& types) {
  if (right == "*") {
    return;
  }
  if (right.starts_with("troupe.")) {
    return check_own(on, place, right);
  }
  const std::size_t dot = right.find('.');
  const std::string callee = right.substr(0, dot);
  const std::string operation = right.substr(dot + 1);
  const capability_plan* const called = on.whole.find(capability_name{callee});
  if (called == nullptr) {
    std::vector<std::string> names;
    for (const capability_plan& each : on.whole.capabilities) {
      names.push_back(each.name.value);
    }
    return on.never_holds(
        act::call,
        place,
        fmt::format("there is no capability `{}`", callee),
        remedy_for_unknown(
            callee, names, fmt::format("the capabilities are {}", fmt::join(names, ", "))));
  }
  const actor_type* const type = type_named(called->actor, types);
  // An unknown actor type is reported elsewhere.
  if (type != nullptr && operation != "*" && type->described.find(operation) == nullptr) {
    const auto names = type->described.operation_names();
    return on.never_holds(
        act::call,
        place,
        fmt::format("capability `{}` has no operation `{}`", callee, operation),
        remedy_for_unknown(operation, names, fmt::format("it has {}", fmt::join(names, ", "))));
  }
}

/// Checks that a capability makes use of each of its rights. Only its own code and its
/// subscriptions can.
void check_use(const rule_subject& on, act what, const std::vector<std::string>& used) {
  const std::vector<std::string>& rights = security::rights_to(what, on.rule.may);
  const std::string_view uses = what == act::call ? "no saga of the capability calls this"
                                : what == act::publish
                                    ? "the capability publishes no such event"
                                    : "the capability subscribes to nothing of it";
  for (std::size_t i = 0; i < rights.size(); ++i) {
    const bool is_used =
        std::ranges::any_of(used, [&](const std::string& each) { return meets(rights[i], each); });
    if (!is_used) {
      on.never_holds(what, i, std::string{uses}, "remove it");
    }
  }
}

std::vector<std::string> calls_of(const actor_type& type) {
  std::vector<std::string> names;
  for (const called_operation& each : type.calls) {
    names.push_back(each.to);
  }
  return names;
}

std::vector<std::string> publishes_of(const actor_type& type) {
  std::vector<std::string> patterns;
  for (const wire::topic_description& each : type.described.publishes) {
    patterns.push_back(each.pattern);
  }
  return patterns;
}

void check_capability_rule(const rule_subject& on) {
  check_use(on, act::subscribe, on.capability->subscribes);
  if (on.type != nullptr) {
    if (!on.type->asks_others) {
      check_use(on, act::call, calls_of(*on.type));
    }
    check_use(on, act::publish, publishes_of(*on.type));
  }
  for (std::size_t i = 0; i < on.rule.may.read.size(); ++i) {
    on.never_holds(
        act::read,
        i,
        "a capability gets events by `subscribes`, and reads none from the journal",
        "remove it, or write it to `subscribe`");
  }
}

/// Checks that a rule is named after somebody who connects, or a capability.
void check_who(const rule_subject& on) {
  if (on.capability != nullptr) {
    return;
  }
  const auto say = [&](std::string what, std::string remedy) {
    on.found.push_back({on.rule.at, std::move(what), std::move(remedy)});
  };
  if (on.whole.find(node_name{on.rule.who}) != nullptr) {
    return say(
        fmt::format("`allow` has a rule for node `{}`", on.rule.who),
        "write rules for capabilities: a node may do what those that run on it may");
  }
  for (const broker_plan& each : on.whole.brokers) {
    if (each.name == on.rule.who) {
      return say(
          fmt::format("`allow` has a rule for broker `{}`, which asks for nothing", each.name),
          "remove it");
    }
  }
  if (const std::string wrong = check_name(on.rule.who); !wrong.empty()) {
    return say(
        fmt::format("the name `{}` in `allow` {}", on.rule.who, wrong),
        "write the name of a capability, a gateway or the owner of a key");
  }
  for (std::size_t i = 0; i < on.rule.may.subscribe.size(); ++i) {
    on.never_holds(
        act::subscribe,
        i,
        fmt::format("only capabilities subscribe, and `{}` is none", on.rule.who),
        "write it to `read`");
  }
}

/// Adds a fault for something that the topology makes `who` do without a right to it.
void missing(
    file_position at,
    std::string_view does,
    std::string_view who,
    act what,
    std::string_view name,
    std::vector<fault>& found) {
  found.push_back(
      {at,
       fmt::format("{} `{}`, which it has no right to", does, name),
       fmt::format(
           "add `{}` to `{}` of `{}` in `security.allow`", name, security::name_of(what), who)});
}

void check_capability_needs(
    const draft& checked, std::size_t place, const actor_type* type, std::vector<fault>& found) {
  const capability_plan& capability = checked.result.capabilities[place];
  const std::string& name = capability.name.value;
  const security::grants may = rights_of(*checked.result.security, name);
  for (const std::string& each : capability.subscribes) {
    if (!may.may_subscribe(each)) {
      missing(
          position_of({checked.sections[place]->find("subscribes")}, capability.at),
          fmt::format("capability `{}` subscribes to", name),
          name,
          act::subscribe,
          each,
          found);
    }
  }
  if (type == nullptr) {
    return;
  }
  for (const std::string& each : calls_of(*type)) {
    const std::size_t dot = each.find('.');
    if (dot != std::string::npos && !may.may_call(each.substr(0, dot), each.substr(dot + 1))) {
      missing(
          capability.at,
          fmt::format("a saga of capability `{}` calls", name),
          name,
          act::call,
          each,
          found);
    }
  }
  for (const std::string& each : publishes_of(*type)) {
    if (!may.may_publish(each)) {
      missing(
          capability.at,
          fmt::format("capability `{}` publishes", name),
          name,
          act::publish,
          each,
          found);
    }
  }
}

/// Checks that tokens are configured if a route requires one.
void check_tokens(const plan& whole, const gateway_plan& gateway, std::vector<fault>& found) {
  if (whole.security && whole.security->tokens) {
    return;
  }
  for (const route_plan& each : gateway.routes) {
    if (each.wants_token) {
      found.push_back(
          {each.at,
           fmt::format(
               "the route `{} {}` of gateway `{}` asks for a token, and there are none",
               http::name_of(each.key.method),
               each.key.path.text(),
               gateway.name),
           "write `security: {tokens: {issuer: NAME, audience: NAME}}`"});
    }
  }
  if (gateway.ui == page_readers::operators) {
    found.push_back(
        {gateway.at,
         fmt::format(
             "`ui: operators` of gateway `{}` asks for a token, and there are none", gateway.name),
         "write `security: {tokens: {issuer: NAME, audience: NAME}}`"});
  }
}

void check_gateway_needs(
    const plan& whole, const gateway_plan& gateway, std::vector<fault>& found) {
  const security::grants may = rights_of(whole, gateway);
  for (const route_plan& route : gateway.routes) {
    const std::string does = fmt::format(
        "the route `{} {}` of gateway `{}`",
        http::name_of(route.key.method),
        route.key.path.text(),
        gateway.name);
    if (const auto* call = std::get_if<call_route_plan>(&route.does)) {
      if (!may.may_call(call->capability.value, call->operation)) {
        missing(
            route.at,
            does + " calls",
            gateway.name,
            act::call,
            fmt::format("{}.{}", call->capability.value, call->operation),
            found);
      }
      continue;
    }
    for (const std::string& each : std::get<events_route_plan>(route.does).patterns) {
      if (!may.may_read(each)) {
        missing(route.at, does + " streams", gateway.name, act::read, each, found);
      }
    }
  }
}

} // namespace

security::grants rights_of(const security_options& security, std::string_view who) {
  const auto rule = std::ranges::find(security.allow, who, &access_rule::who);
  return rule == security.allow.end() ? security::grants{} : rule->may;
}

security::grants rights_of(const plan& whole, const gateway_plan& gateway) {
  security::grants may = rights_of(*whole.security, gateway.name);
  const bool has_features =
      !gateway.otherwise.empty() || std::ranges::any_of(gateway.routes, [](const route_plan& each) {
        const auto* const call = std::get_if<call_route_plan>(&each.does);
        return call != nullptr && !call->feature.empty();
      });
  if (has_features) {
    // The newest change of a flag is found through the last position of its topic.
    may.add(
        {.call = {"troupe.events.topics"},
         .publish = {"troupe.differences"},
         .read = {"troupe.flags"}});
  }
  may.add({.call = {"troupe.broker.keep_spans"}});
  if (gateway.ui != page_readers::nobody) {
    may.add(
        {.call = {
             "troupe.broker.status",
             "troupe.broker.spans",
             "troupe.events.topics",
             "troupe.events.dead_letters"}});
    if (!whole.features.empty()) {
      may.add({.read = {"troupe.flags", "troupe.differences"}});
    }
    for (const node_plan& each : whole.nodes) {
      for (const std::string_view operation : {"status", "sagas", "saga", "effects", "spans"}) {
        may.add({.call = {fmt::format("troupe.node.{}.{}", each.name.value, operation)}});
      }
    }
  }
  return may;
}

void check_access(
    const draft& checked, const std::vector<actor_type>& types, std::vector<fault>& found) {
  const plan& whole = checked.result;
  for (const gateway_plan& each : whole.gateways) {
    check_tokens(whole, each, found);
  }
  if (!whole.security) {
    return;
  }
  for (const access_rule& each : whole.security->allow) {
    const capability_plan* const capability = whole.find(capability_name{each.who});
    const rule_subject on{
        whole,
        each,
        capability,
        capability == nullptr ? nullptr : type_named(capability->actor, types),
        found};
    check_who(on);
    for (std::size_t i = 0; i < each.may.call.size(); ++i) {
      check_call_right(on, i, each.may.call[i], types);
    }
    if (capability != nullptr) {
      check_capability_rule(on);
    }
  }
  for (std::size_t i = 0; i < whole.capabilities.size(); ++i) {
    check_capability_needs(checked, i, type_named(whole.capabilities[i].actor, types), found);
  }
  for (const gateway_plan& each : whole.gateways) {
    check_gateway_needs(whole, each, found);
  }
}

} // namespace troupe::topology
