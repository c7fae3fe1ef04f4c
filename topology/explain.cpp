#include "topology/explain.hpp"

#include "runtime/time_text.hpp"
#include "topology/store_path.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <map>

namespace troupe::topology {

namespace {

std::string counted(std::size_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::string host_text(const std::string& host) {
  return host == "here" ? "this machine" : host;
}

/// "a, b and c".
std::string list_text(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) {
      text += i + 1 == names.size() ? " and " : ", ";
    }
    text += names[i];
  }
  return text;
}

/// "n1 (0, 2) and n2 (1)".
std::string placement_text(const capability_plan& capability) {
  std::vector<std::string> places;
  for (const node_name& node : capability.nodes) {
    places.push_back(
        fmt::format("{} ({})", node.value, fmt::join(capability.replicas_on(node), ", ")));
  }
  return list_text(places);
}

std::string_view strategy_text(supervision::strategy strategy) {
  switch (strategy) {
  case supervision::strategy::one_for_one:
    return "it alone";
  case supervision::strategy::one_for_all:
    return "all of its group";
  case supervision::strategy::rest_for_one:
    return "it and those started after it";
  }
  return "it";
}

std::string supervision_text(const supervision::options& options) {
  return fmt::format(
      "a replica that fails: {} is restarted, after {} at first and {} at most; more than {} "
      "within {} and the group is down on that node for {}",
      strategy_text(options.on_failure),
      duration_text(options.backoff_min),
      duration_text(options.backoff_max),
      counted(static_cast<std::size_t>(options.max_restarts), "restart", "restarts"),
      duration_text(options.within),
      duration_text(options.cool_down));
}

std::string breaker_text(const supervision::breaker_options& options) {
  std::string opens = fmt::format("after {} failures in a row", options.threshold);
  if (options.window) {
    const supervision::breaker_window& window = *options.window;
    opens = fmt::format(
        "when of {} calls or more within {} at least {:g} % fail, or {:g} % take longer than {}",
        window.minimum_calls,
        duration_text(window.span),
        window.failure_rate * 100,
        window.slow_rate * 100,
        duration_text(window.slow_call));
  }
  return fmt::format(
      "breaker: opens {}; lets {} through after {}",
      opens,
      counted(static_cast<std::size_t>(options.probes), "probe", "probes"),
      duration_text(options.timeout));
}

/// Warns if a breaker gives up its probe before the work can be late; empty if it does not.
std::string early_verdict_text(const capability_plan& capability, const actor_type* type) {
  const auto deadline = capability.breaker.probe_deadline;
  const bool has_effects = type != nullptr && type->has_effects;
  const auto& [key, limit] = has_effects && capability.effects.limit > capability.turn_limit
                                 ? std::pair{"effects.limit", capability.effects.limit}
                                 : std::pair{"turn_limit", capability.turn_limit};
  if (deadline >= limit) {
    return {};
  }
  return fmt::format(
      "    a probe must answer within {} (`breaker.probe_deadline`), though {} may take {} "
      "(`{}`): work of a length in between is fine until the breaker opens, and can never close "
      "it; raise `breaker.probe_deadline` to {}\n",
      duration_text(deadline),
      has_effects ? "a call or an effect" : "a call",
      duration_text(limit),
      key,
      duration_text(limit));
}

std::string start_text(const subscribe_start& start) {
  switch (start.from) {
  case subscribe_start::place::newest:
    return "those published from then on";
  case subscribe_start::place::oldest:
    return "the oldest there are";
  case subscribe_start::place::time:
    return "those since " + utc_time_text(start.time);
  }
  return "new ones";
}

std::string pattern_text(const std::string& pattern) {
  return pattern == "*" ? "everything" : pattern;
}

std::string subscription_text(const capability_plan& capability) {
  std::vector<std::string> patterns;
  for (const std::string& each : capability.subscribes) {
    patterns.push_back(pattern_text(each));
  }
  std::string text = fmt::format(
      "    listens to {}; when it is new to the journal, it begins with {}\n",
      list_text(patterns),
      start_text(capability.subscribe_from));
  const auto end = std::back_inserter(text);
  fmt::format_to(
      end,
      "    an event is handled {}; after {}, {} to {} apart, it is a dead letter; {} at once on "
      "each node\n",
      capability.store ? "with exactly one effect in its data"
                       : "at least once, as there is no store to remember it",
      counted(static_cast<std::size_t>(capability.retry.attempts), "attempt", "attempts"),
      duration_text(capability.retry.backoff_min),
      duration_text(capability.retry.backoff_max),
      counted(static_cast<std::size_t>(capability.bulkhead.events), "event", "events"));
  return text;
}

std::string retention_text(const retention_rule& rule) {
  return fmt::format(
      "kept for {}, of each topic at most {}; {}\n",
      duration_text(rule.keep),
      size_text(rule.bytes_max),
      rule.drop_unread ? "then dropped, even if a subscriber still needs them"
                       : "longer and more while a subscriber still needs them");
}

std::string
route_text(const route_plan& route, const plan& plan, const std::vector<actor_type>& types) {
  const std::string key =
      fmt::format("{} {}", http::name_of(route.key.method), route.key.path.text());
  const std::string_view token = route.wants_token ? "; for services, by token" : "";
  if (const auto* events = std::get_if<events_route_plan>(&route.does)) {
    return fmt::format(
        "    {} streams events: {}{}\n", key, fmt::join(events->patterns, ", "), token);
  }
  const auto& call = std::get<call_route_plan>(route.does);
  const capability_plan* const capability = plan.find(call.capability);
  const actor_type* const type =
      capability == nullptr ? nullptr : type_named(capability->actor, types);
  const auto* const operation = type == nullptr ? nullptr : type->described.find(call.operation);
  std::string text = fmt::format(
      "    {} calls {}.{}{}, {} at most, and answers {}",
      key,
      call.capability.value,
      call.operation,
      operation == nullptr                               ? ""
      : operation->kind == wire::operation_kind::query   ? " (query)"
      : operation->kind == wire::operation_kind::command ? " (command)"
                                                         : " (saga)",
      duration_text(call.deadline),
      call.status);
  for (const auto& [reason, status] : call.rejected) {
    text += fmt::format(", {} if {}", status, reason);
  }
  if (!call.key_field.empty()) {
    text += fmt::format("; in order by {}", call.key_field);
  }
  if (!call.feature.empty()) {
    text += fmt::format("; by the flag {}", call.feature);
  }
  text += token;
  return text + (call.wants_key ? "; an Idempotency-Key is required\n" : "\n");
}

/// The routes that require a token, but lead to a legacy system that also gets all other requests
/// without one: the same data may be reachable there by another path.
std::string unguarded_text(const gateway_plan& gateway, const plan& plan) {
  const auto origin_of = [&](const std::string& feature) {
    const strangler_plan* const known = plan.find_feature(feature);
    return known == nullptr ? std::string{} : known->feature.legacy.origin;
  };
  std::string text;
  for (const route_plan& each : gateway.routes) {
    const auto* const call = std::get_if<call_route_plan>(&each.does);
    if (each.wants_token && call != nullptr && !call->feature.empty()
        && origin_of(call->feature) == origin_of(gateway.otherwise)) {
      text += fmt::format(
          "      without a token, too, what that system takes for {} {}, such as a slash behind it "
          "or other capitals: let it check by itself who asks\n",
          http::name_of(each.key.method),
          each.key.path.text());
    }
  }
  return text;
}

std::string
gateway_text(const gateway_plan& gateway, const plan& plan, const std::vector<actor_type>& types) {
  std::string text = fmt::format(
      "  {}: {}\n",
      gateway.name,
      gateway.store ? "keeps the times of Idempotency-Keys in " + *gateway.store
                    : "takes Idempotency-Keys that are UUIDs of version 7 only");
  const auto end = std::back_inserter(text);
  if (gateway.rate) {
    fmt::format_to(
        end,
        "    a client may send {} within {}, {} at once\n",
        counted(static_cast<std::size_t>(gateway.rate->requests), "request", "requests"),
        duration_text(gateway.rate->within),
        gateway.rate->burst);
  }
  if (!gateway.proxies.empty()) {
    fmt::format_to(end, "    {} may say for whom a request is\n", list_text(gateway.proxies));
  }
  if (!gateway.hosts.empty()) {
    fmt::format_to(end, "    requests ask for it as {}\n", list_text(gateway.hosts));
  }
  if (gateway.ui != page_readers::nobody) {
    fmt::format_to(
        end,
        "    {} sees the page of the system at /ui\n",
        gateway.ui == page_readers::loopback ? "whoever is on its machine"
                                             : "whoever has a token of an operator");
  }
  if (!gateway.origins.empty()) {
    fmt::format_to(end, "    pages of {} may read answers\n", list_text(gateway.origins));
  }
  for (const route_plan& each : gateway.routes) {
    text += route_text(each, plan, types);
  }
  if (!gateway.otherwise.empty()) {
    fmt::format_to(end, "    all else goes to the legacy system of {}\n", gateway.otherwise);
    text += unguarded_text(gateway, plan);
  }
  return text;
}

/// Which broker keeps the events, how long they are kept, and who subscribes to each topic.
std::string events_text(const plan& plan) {
  std::string text =
      plan.events.is_shared()
          ? fmt::format(
              "\nEvents\n  one of the brokers at a time keeps them in {}, and another takes them "
              "over when it dies\n",
              plan.events.journal)
          : fmt::format(
              "\nEvents\n  broker {} keeps them in {}\n", plan.events.broker, plan.events.journal);
  const auto end = std::back_inserter(text);
  for (const retention_rule& rule : plan.events.rules) {
    fmt::format_to(end, "  {}: {}", rule.pattern, retention_text(rule));
  }
  fmt::format_to(
      end,
      "  {}: {}",
      plan.events.rules.empty() ? "all" : "all others",
      retention_text(plan.events.otherwise));
  std::map<std::string, std::vector<std::string>> listeners;
  for (const capability_plan& capability : plan.capabilities) {
    for (const std::string& pattern : capability.subscribes) {
      listeners[pattern].push_back(capability.name.value);
    }
  }
  for (const auto& [pattern, names] : listeners) {
    fmt::format_to(end, "  {} goes to {}\n", pattern_text(pattern), list_text(names));
  }
  if (listeners.empty()) {
    text += "  no capability subscribes to any\n";
  }
  return text;
}

std::string capability_text(const capability_plan& capability, const actor_type* type) {
  std::string text = fmt::format(
      "  {}: {} of actor `{}`, on {}\n",
      capability.name.value,
      counted(static_cast<std::size_t>(capability.replicas), "replica", "replicas"),
      capability.actor,
      placement_text(capability));
  const auto end = std::back_inserter(text);
  if (type != nullptr && !type->described.operations.empty()) {
    fmt::format_to(end, "    operations: {}\n", fmt::join(type->described.operation_names(), ", "));
  }
  if (capability.store) {
    fmt::format_to(
        end,
        "    keeps its data in {}{}; answers are remembered for {}\n",
        is_on_server(*capability.store) ? fmt::format("the schema `{}` of ", capability.name.value)
                                        : "",
        *capability.store,
        duration_text(capability.inbox_kept));
  } else {
    text += "    keeps no data: a call may be handled more than once when a node dies\n";
  }
  if (!capability.subscribes.empty()) {
    text += subscription_text(capability);
  }
  fmt::format_to(end, "    {}\n", supervision_text(capability.supervision));
  fmt::format_to(end, "    {}\n", breaker_text(capability.breaker));
  text += early_verdict_text(capability, type);
  fmt::format_to(
      end,
      "    bulkhead: {} at once on each node, {} more wait at the broker, the next is "
      "`overloaded`\n",
      counted(static_cast<std::size_t>(capability.bulkhead.in_flight), "call", "calls"),
      capability.bulkhead.queue);
  fmt::format_to(
      end,
      "    effects: {} at once, {} may wait, one that takes longer than {} counts as failed; a "
      "turn "
      "that takes longer than {} ends the process\n",
      capability.effects.threads,
      capability.effects.queue,
      duration_text(capability.effects.limit),
      duration_text(capability.turn_limit));
  return text;
}

std::string admin_text(const std::string& address) {
  return address.empty() ? "" : ", admin on " + address;
}

std::string node_text(const node_plan& node, const plan& plan) {
  std::string runs;
  for (const capability_plan& capability : plan.capabilities) {
    const std::size_t replicas = capability.replicas_on(node.name).size();
    if (replicas > 0) {
      runs += fmt::format("{}{} x{}", runs.empty() ? "" : ", ", capability.name.value, replicas);
    }
  }
  return fmt::format(
      "  node {} on {} runs {}{}\n",
      node.name.value,
      host_text(node.host),
      runs.empty() ? "nothing yet" : runs,
      admin_text(node.admin));
}

/// The hosts that have nodes and nothing to run on them.
std::string idle_hosts_text(const plan& plan) {
  std::map<std::string, bool> is_used;
  for (const node_plan& each : plan.nodes) {
    const bool runs = std::ranges::any_of(
        plan.capabilities, [&](const auto& one) { return !one.replicas_on(each.name).empty(); });
    is_used[each.host] = is_used[each.host] || runs;
  }
  for (const broker_plan& each : plan.brokers) {
    is_used[each.host] = true;
  }
  for (const gateway_plan& each : plan.gateways) {
    is_used[each.host] = true;
  }
  std::string text;
  for (const auto& [host, used] : is_used) {
    if (!used) {
      text += fmt::format(
          "  {} runs nothing: no capability names a node of it, and no broker or gateway is "
          "there\n",
          host_text(host));
    }
  }
  return text;
}

/// The memory for queues on several brokers, each of which has room for all.
std::string memory_of_hosts(const plan& plan, std::uint64_t bytes) {
  if (plan.brokers.size() < 2) {
    return {};
  }
  std::map<std::string, std::uint64_t> brokers;
  for (const broker_plan& each : plan.brokers) {
    ++brokers[each.host];
  }
  std::string text = fmt::format(
      "  each of the {} brokers has room for that, as each gives a node its full in_flight: {} in "
      "all",
      plan.brokers.size(),
      size_text(bytes * plan.brokers.size()));
  if (brokers.size() > 1) {
    for (const auto& [host, count] : brokers) {
      text += fmt::format(", {} on {}", size_text(bytes * count), host_text(host));
    }
  }
  return text + '\n';
}

/// "billing: http://127.0.0.1:3002 until its flag says more; ..."
std::string feature_text(const strangler::feature_options& feature) {
  std::string text = fmt::format(
      "  {}: {}{} answers all but {} of users, until `troupe flag set` says otherwise",
      feature.name,
      feature.legacy.origin,
      feature.legacy.prefix,
      strangler::share_text(feature.share));
  if (!feature.override_field.empty()) {
    text += fmt::format("; the field {} decides for its request", feature.override_field);
  }
  if (feature.compare) {
    text += fmt::format(
        "; {:g}% of what only reads is sent to both and compared", feature.compare->sample * 100);
  }
  return text + '\n';
}

} // namespace

std::string explain(const plan& plan, const std::vector<actor_type>& types) {
  std::string text = fmt::format(
      "{}: {}, {}, {} ({}, digest {:016x})\n\n",
      plan.name,
      counted(plan.brokers.size(), "broker", "brokers"),
      counted(plan.nodes.size(), "node", "nodes"),
      counted(plan.capabilities.size(), "capability", "capabilities"),
      plan.file,
      plan.digest);
  const auto end = std::back_inserter(text);
  text += "Processes\n";
  for (const broker_plan& broker : plan.brokers) {
    fmt::format_to(
        end,
        "  broker {}{} listens on {}{}{}\n",
        broker.name,
        broker.host == "here" ? "" : " on " + broker.host,
        broker.listen,
        broker.open.empty() ? "" : ", for clients without keys on " + broker.open,
        admin_text(broker.admin));
  }
  for (const node_plan& node : plan.nodes) {
    text += node_text(node, plan);
  }
  for (const gateway_plan& gateway : plan.gateways) {
    fmt::format_to(
        end,
        "  gateway {} on {} listens on {}{}\n",
        gateway.name,
        host_text(gateway.host),
        gateway.listen,
        admin_text(gateway.admin));
  }
  text += idle_hosts_text(plan);
  fmt::format_to(
      end,
      "  a process that is silent for {} counts as lost (heartbeats every {})\n",
      duration_text(plan.heartbeat.timeout),
      duration_text(plan.heartbeat.interval));
  text += plan.security ? fmt::format(
              "  links have keys, which are in {}: whoever has none {}\n",
              plan.security->keys,
              plan.security->clients == plain_clients::open
                  ? "is a client on a broker's own host, or is refused"
                  : "is refused")
                        : "  links have no keys: whoever reaches a broker's port is trusted\n";
  text += "\nCapabilities\n";
  std::uint64_t bytes = 0;
  for (const capability_plan& capability : plan.capabilities) {
    text += capability_text(capability, type_named(capability.actor, types));
    bytes += queue_bytes_max(capability, plan.body_bytes_max);
  }
  text += plan.gateways.empty() ? "" : "\nGateways\n";
  for (const gateway_plan& gateway : plan.gateways) {
    text += gateway_text(gateway, plan, types);
  }
  text += events_text(plan);
  if (!plan.features.empty()) {
    text += "\nStrangler\n";
  }
  for (const strangler_plan& each : plan.features) {
    text += feature_text(each.feature);
  }
  fmt::format_to(
      end,
      "\nMemory\n  a message has {} at most; full queues need {} at the broker, of {} allowed\n",
      size_text(plan.body_bytes_max),
      size_text(bytes),
      size_text(plan.memory_max));
  return text + memory_of_hosts(plan, bytes);
}

} // namespace troupe::topology
