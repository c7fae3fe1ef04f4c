#include "runtime/broker/calls/held_ids.hpp"

namespace troupe::broker {

bool held_ids::add(const uuid& id, std::uint32_t node) {
  if (node_of_.size() >= ids_max) {
    return false;
  }
  node_of_.insert_or_assign(id, node);
  return true;
}

std::uint32_t held_ids::take(const uuid& id) {
  const auto found = node_of_.find(id);
  if (found == node_of_.end()) {
    return nowhere;
  }
  const std::uint32_t node = found->second;
  node_of_.erase(found);
  return node;
}

void held_ids::forget_node(std::uint32_t node) {
  std::erase_if(node_of_, [&](const auto& each) { return each.second == node; });
}

} // namespace troupe::broker
