#include "nodes/commands/checked_invariants.hpp"

#include "runtime/reconciler/reconciliation_actor.hpp"

#include <filesystem>
#include <utility>

namespace troupe {

reconcile::invariants_file checked_invariants(
    std::string path, const topology::plan& plan, const std::vector<topology::actor_type>& types) {
  reconcile::invariants_file read = reconcile::read_invariants_file(std::move(path));
  const auto described = [&](const std::string& name) -> const wire::actor_description* {
    const auto* const capability = plan.find(capability_name{name});
    const auto* const type =
        capability == nullptr ? nullptr : topology::type_named(capability->actor, types);
    return type == nullptr ? nullptr : &type->described;
  };
  reconcile::check(read.all, described, read.faults);
  return read;
}

std::vector<reconcile::invariants_file>
faulty_invariants(const topology::plan& plan, const std::vector<topology::actor_type>& types) {
  std::vector<reconcile::invariants_file> faulty;
  for (const topology::capability_plan& each : plan.capabilities) {
    const auto* const type = topology::type_named(each.actor, types);
    if (type == nullptr || !type->asks_others) {
      continue;
    }
    reconcile::reconciliation_options options;
    std::vector<fault> known; // The topology was checked against these already.
    read_config(each.config, "config", options, known);
    if (options.invariants.empty()) {
      continue; // The capability calls others for another reason.
    }
    const std::filesystem::path path = std::filesystem::path{plan.folder} / options.invariants;
    if (auto read = checked_invariants(path.string(), plan, types); !read.faults.empty()) {
      faulty.push_back(std::move(read));
    }
  }
  return faulty;
}

} // namespace troupe
