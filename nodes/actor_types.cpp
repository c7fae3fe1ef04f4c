#include "nodes/actor_types.hpp"

namespace troupe {

std::vector<topology::actor_type> actor_types() {
  std::vector<topology::actor_type> all;
  for (const char* name : {"echo", "users", "inventory", "payments", "orders", "order_saga"}) {
    topology::actor_type& type = all.emplace_back();
    type.name = name;
  }
  return all;
}

} // namespace troupe
