#pragma once

#include "runtime/reconciler/invariants_file.hpp"
#include "topology/actor_type.hpp"
#include "topology/plan.hpp"

#include <string>
#include <vector>

namespace troupe {

/// Reads a file of invariants and checks it against the capabilities of a topology.
reconcile::invariants_file checked_invariants(
    std::string path, const topology::plan& plan, const std::vector<topology::actor_type>& types);

/// The files of invariants named in the `config` of a topology's capabilities, as far as they have
/// faults.
std::vector<reconcile::invariants_file>
faulty_invariants(const topology::plan& plan, const std::vector<topology::actor_type>& types);

} // namespace troupe
