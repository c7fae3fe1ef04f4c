#include "topology/actor_type.hpp"

#include <algorithm>

namespace troupe::topology {

const actor_type* type_named(std::string_view name, const std::vector<actor_type>& types) {
  const auto found = std::find_if(
      types.begin(), types.end(), [&](const actor_type& each) { return each.name == name; });
  return found == types.end() ? nullptr : &*found;
}

} // namespace troupe::topology
