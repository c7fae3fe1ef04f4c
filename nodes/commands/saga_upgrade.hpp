#pragma once

#include "nodes/commands/stranded.hpp"
#include "runtime/actor/registry.hpp"
#include "topology/plan.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

/// The fate of the running sagas of one definition if this program takes over.
struct saga_upgrade {
  std::string capability;
  std::string file;
  std::string operation;
  /// How many have not ended, parked ones included.
  std::uint64_t sagas = 0;
  /// Whether the steps they were started under are known: this program's, or stored beside the
  /// journal.
  bool has_steps = true;
  /// The parts of those steps that this program lacks (saga::plan::gone).
  std::vector<std::string> gone;

  /// Whether sagas may stop, so that an operator should look before the upgrade.
  bool stands_still() const { return !has_steps || !gone.empty(); }
};

struct saga_upgrades {
  std::vector<saga_upgrade> found;
  /// The databases of capabilities with sagas that were not examined, each with the reason: on a
  /// server, not here.
  std::vector<std::string> not_looked_at{};
};

/// Examines the databases of a plan's capabilities with sagas, without changing anything: what
/// would a program with these types do with running sagas whose definition it has changed?
/// Capabilities without such sagas are left out.
///
/// @param folder of the databases, or of copies of them, by their file names.
/// @errors as by database_error::to_error() for one that cannot be read.
outcome<saga_upgrades> find_saga_upgrades(
    const topology::plan& plan, const std::string& folder, const std::vector<actor_type>& types);

/// Finds the fate of sagas in the databases of an earlier topology, in files and on servers.
outcome<saga_upgrades> find_saga_upgrades(
    const topology::plan& plan,
    const earlier_databases& earlier,
    const std::vector<actor_type>& types);

/// A paragraph for each; empty if there are none.
std::string text_of(const std::vector<saga_upgrade>& all);

} // namespace troupe
