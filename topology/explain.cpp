#include "topology/topology.hpp"

#include <fmt/format.h>
#include <iterator>

namespace troupe::topology {

namespace {

std::string counted(std::size_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::string host_text(const std::string& host) {
  return host == "here" ? "this machine" : host;
}

/// "n1 (0, 2) and n2 (1)".
std::string placement_text(const capability_plan& capability) {
  std::string text;
  for (std::size_t i = 0; i < capability.nodes.size(); ++i) {
    if (i > 0) {
      text += i + 1 == capability.nodes.size() ? " and " : ", ";
    }
    const node_name& node = capability.nodes[i];
    text += fmt::format("{} ({})", node.value, fmt::join(capability.replicas_on(node), ", "));
  }
  return text;
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

std::string capability_text(const capability_plan& capability) {
  std::string text = fmt::format(
      "  {}: {} of actor `{}`, on {}\n",
      capability.name.value,
      counted(static_cast<std::size_t>(capability.replicas), "replica", "replicas"),
      capability.actor,
      placement_text(capability));
  const auto end = std::back_inserter(text);
  if (capability.store) {
    fmt::format_to(
        end,
        "    keeps its data in {}; answers are remembered for {}\n",
        *capability.store,
        duration_text(capability.inbox_kept));
  } else {
    text += "    keeps no data: a call may be handled more than once when a node dies\n";
  }
  fmt::format_to(end, "    {}\n", supervision_text(capability.supervision));
  fmt::format_to(end, "    {}\n", breaker_text(capability.breaker));
  fmt::format_to(
      end,
      "    bulkhead: {} at once on each node, {} more wait at the broker, the next is "
      "`overloaded`\n",
      counted(static_cast<std::size_t>(capability.bulkhead.in_flight), "call", "calls"),
      capability.bulkhead.queue);
  fmt::format_to(
      end,
      "    effects: {} at once, {} may wait; a turn that takes longer than {} ends the process\n",
      capability.effects.threads,
      capability.effects.queue,
      duration_text(capability.turn_limit));
  return text;
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
      "  node {} on {} runs {}\n",
      node.name.value,
      host_text(node.host),
      runs.empty() ? "nothing yet" : runs);
}

} // namespace

std::string explain(const plan& plan) {
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
    fmt::format_to(end, "  broker {} listens on {}\n", broker.name, broker.listen);
  }
  for (const node_plan& node : plan.nodes) {
    text += node_text(node, plan);
  }
  fmt::format_to(
      end,
      "  a process that is silent for {} counts as lost (heartbeats every {})\n\nCapabilities\n",
      duration_text(plan.heartbeat.timeout),
      duration_text(plan.heartbeat.interval));
  std::uint64_t bytes = 0;
  for (const capability_plan& capability : plan.capabilities) {
    text += capability_text(capability);
    bytes += queue_bytes_max(capability, plan.body_bytes_max);
  }
  fmt::format_to(
      end,
      "\nMemory\n  a message has {} at most; full queues need {} at the broker, of {} allowed\n",
      size_text(plan.body_bytes_max),
      size_text(bytes),
      size_text(plan.memory_max));
  return text;
}

} // namespace troupe::topology
