#include "nodes/actor_types.hpp"

#include "runtime/actor/registry.hpp"

#include <utility>

namespace troupe {

std::vector<topology::actor_type> actor_types() {
  std::vector<topology::actor_type> all;
  for (actor_type& type : registered_types()) {
    topology::actor_type& known = all.emplace_back();
    known.name = std::move(type.name);
    known.wants_store = type.wants_store();
    known.check_config = std::move(type.check_config);
    known.described = std::move(type.description);
    for (const saga::definition& saga : type.sagas) {
      for (const saga::step& step : saga.steps) {
        known.calls.push_back(step.capability + "." + step.operation);
        if (!step.undo.empty()) {
          known.calls.push_back(step.capability + "." + step.undo);
        }
      }
    }
  }
  return all;
}

} // namespace troupe
