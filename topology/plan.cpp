#include "topology/plan.hpp"

#include "runtime/contains.hpp"

#include <algorithm>

namespace troupe::topology {

bool capability_plan::runs_on(const node_name& node) const {
  return contains(nodes, node);
}

std::vector<int> capability_plan::replicas_on(const node_name& node) const {
  std::vector<int> numbers;
  const auto place = std::ranges::find(nodes, node);
  if (place == nodes.end()) {
    return numbers;
  }
  // Replicas are dealt to nodes in turn: their numbers differ by one at most, and raising
  // `replicas` moves no replica.
  const auto step = static_cast<int>(nodes.size());
  for (auto number = static_cast<int>(place - nodes.begin()); number < replicas; number += step) {
    numbers.push_back(number);
  }
  return numbers;
}

const capability_plan* plan::find(const capability_name& capability) const {
  const auto found = std::ranges::find(capabilities, capability, &capability_plan::name);
  return found == capabilities.end() ? nullptr : &*found;
}

const node_plan* plan::find(const node_name& node) const {
  const auto found = std::ranges::find(nodes, node, &node_plan::name);
  return found == nodes.end() ? nullptr : &*found;
}

const strangler_plan* plan::find_feature(std::string_view feature) const {
  const auto found = std::ranges::find_if(
      features, [&](const strangler_plan& each) { return each.feature.name == feature; });
  return found == features.end() ? nullptr : &*found;
}

const gateway_plan* plan::find_gateway(std::string_view gateway) const {
  const auto found = std::ranges::find(gateways, gateway, &gateway_plan::name);
  return found == gateways.end() ? nullptr : &*found;
}

std::uint64_t queue_bytes_max(const capability_plan& capability, std::uint64_t body_bytes_max) {
  // By the ranges of the keys this is at most (65,536 x 256 nodes + 1,000,000) x 64 MiB, so 64 bits
  // hold the sum over the 4,096 capabilities that a topology may have.
  const auto in_flight = static_cast<std::uint64_t>(capability.bulkhead.in_flight);
  const auto queue = static_cast<std::uint64_t>(capability.bulkhead.queue);
  return (in_flight * capability.nodes.size() + queue) * body_bytes_max;
}

} // namespace troupe::topology
