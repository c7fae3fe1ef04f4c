#include "topology/actor_type.hpp"

#include <algorithm>

namespace troupe::topology {

std::vector<std::string> actor_type::events() const {
  std::vector<std::string> patterns;
  for (const auto& each : described.handles) {
    patterns.push_back(each.pattern);
  }
  return patterns;
}

const actor_type* type_named(std::string_view name, const std::vector<actor_type>& types) {
  const auto found = std::ranges::find(types, name, &actor_type::name);
  return found == types.end() ? nullptr : &*found;
}

} // namespace troupe::topology
