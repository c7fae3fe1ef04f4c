#include "nodes/actor_types.hpp"

#include "runtime/actor/registry.hpp"

#include <utility>

namespace troupe {

namespace {

/// Adds the calls of `sagas`, and their types, to the topology's view of an actor type.
void add_calls(const std::vector<saga::definition>& sagas, topology::actor_type& to) {
  wire::schema_book types;
  const auto named = [&](const wire::message_shape* shape) {
    return shape == nullptr ? std::nullopt : std::optional{types.add(*shape)};
  };
  for (const saga::definition& saga : sagas) {
    for (const saga::step& step : saga.steps) {
      if (step.act != saga::step_act::call) {
        continue;
      }
      const std::string callee = step.capability + ".";
      to.calls.push_back({callee + step.operation, named(step.request.body), named(step.reply)});
      if (!step.undo.empty()) {
        const auto& undo = step.undo_request ? step.undo_request : step.request;
        to.calls.push_back({callee + step.undo, named(undo.body)});
      }
    }
  }
  to.call_types = types.take();
}

} // namespace

std::vector<topology::actor_type> actor_types() {
  std::vector<topology::actor_type> all;
  for (actor_type& type : registered_types()) {
    topology::actor_type& known = all.emplace_back();
    known.name = std::move(type.name);
    known.wants_store = type.wants_store();
    known.check_config = std::move(type.check_config);
    known.described = std::move(type.description);
    known.asks_others = type.asks_others;
    known.has_effects = type.has_effects;
    add_calls(type.sagas, known);
  }
  return all;
}

} // namespace troupe
