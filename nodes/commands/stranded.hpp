#pragma once

#include "runtime/outcome.hpp"
#include "topology/actor_type.hpp"
#include "topology/plan.hpp"

#include <map>
#include <string>
#include <vector>

namespace troupe {

/// The databases of capabilities under an earlier topology, by the capability's name, and its
/// journal, each as a topology names it ("sqlite:/srv/orders.db"); empty if there was none.
struct earlier_databases {
  std::map<std::string, std::string> of_capabilities;
  std::string journal;
  /// The hosts of those that are in files, by an earlier topology; the journal's by the name that
  /// its database has.
  std::map<std::string, std::string> hosts{};
  /// The events that capabilities got, by an earlier topology.
  std::map<std::string, std::vector<std::string>> subscribes{};
  /// The databases that nobody looks into, each with the reason: not here, not
  /// reached, not ours.
  std::vector<std::string> not_looked_at{};
};

/// Whether `what` is an earlier topology or a folder of databases, rather than an output of `check
/// --json`.
bool is_topology_or_data(const std::string& what);

/// The databases of an earlier topology, or those in a folder.
/// @errors `invalid`: it cannot be read; a topology with faults; none of its databases is here, so
/// that nothing is known.
outcome<earlier_databases>
databases_of(const std::string& what, const std::vector<topology::actor_type>& types);

/// Their work that no process would continue under `plan`, and databases that cannot be read, one
/// sentence each. Changes nothing.
std::vector<std::string> stranded_by(
    const earlier_databases& earlier,
    const topology::plan& plan,
    const std::vector<topology::actor_type>& types);

} // namespace troupe
