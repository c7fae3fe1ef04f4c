#pragma once

#include "nodes/commands/stranded.hpp"
#include "runtime/actor/registry.hpp"
#include "topology/plan.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

/// The fate of the sagas under way that one definition started, if this program goes on with
/// them.
struct saga_upgrade {
  std::string capability;
  std::string file;
  std::string operation;
  /// How many are not over, the parked ones among them.
  std::uint64_t sagas = 0;
  /// Whether the steps they were started under are known: this program's, or kept beside the
  /// journal.
  bool has_steps = true;
  /// The parts of those steps that this program lacks (saga::plan::gone).
  std::vector<std::string> gone;

  /// Whether sagas may stand still, so that a person should look before the upgrade.
  bool stands_still() const { return !has_steps || !gone.empty(); }
};

struct saga_upgrades {
  std::vector<saga_upgrade> found;
  /// The databases of capabilities that run sagas into which nobody looked, each with the reason:
  /// on a server, not here.
  std::vector<std::string> not_looked_at{};
};

/// Looks into the databases of a plan's capabilities that run sagas, and changes nothing: what a
/// program with these types would do with the sagas whose definition it has changed. Capabilities
/// whose sagas are as it has them are left out.
///
/// @param folder where the databases are, or copies of them, by their file names.
/// @errors what database_error::to_error() says of one that cannot be read.
outcome<saga_upgrades> find_saga_upgrades(
    const topology::plan& plan, const std::string& folder, const std::vector<actor_type>& types);

/// The fate of the sagas in the databases of an earlier topology, in files and on servers.
outcome<saga_upgrades> find_saga_upgrades(
    const topology::plan& plan,
    const earlier_databases& earlier,
    const std::vector<actor_type>& types);

/// For people, a paragraph for each; empty if there are none.
std::string text_of(const std::vector<saga_upgrade>& all);

} // namespace troupe
