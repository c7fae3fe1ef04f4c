#pragma once

#include "runtime/wire/json.hpp"
#include "topology/actor_type.hpp"
#include "topology/plan.hpp"

#include <string>
#include <vector>

namespace troupe {

/// Keys and names that do not match: a comparison of the folder of keys on this host with the names
/// of a topology.
struct key_findings {
  bool has_folder = false;
  /// Owners of keys that no node and no rule names: they can connect, but may do nothing.
  std::vector<std::string> unnamed{};
  /// Brokers, nodes, gateways and names in rules that have no public key.
  std::vector<std::string> missing{};
};

/// Looks into the folder of keys; finds nothing if the topology has no `security`.
key_findings find_keys(const topology::plan& plan);

/// A line for each finding, with advice; empty if there are none.
std::string text_of(const topology::plan& plan, const key_findings& found);

/// `{folder, has_folder, unnamed, missing}`.
wire::json_object json_of(const topology::plan& plan, const key_findings& found);

/// The rights of everybody: `{checked, parties: [{name, is, nodes, call, publish, subscribe,
/// read}], operations: [{capability, operation, callers}]}`.
wire::json_object
rights_json(const topology::plan& plan, const std::vector<topology::actor_type>& types);

} // namespace troupe
