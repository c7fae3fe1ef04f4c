#pragma once

#include "topology/plan.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

/// What becomes of the sagas under way that one definition started, if this program goes on with
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

/// Looks into the databases of a plan's capabilities that run sagas, and changes nothing: what this
/// program would do with the sagas whose definition it has changed. Capabilities whose sagas are as
/// this program has them are left out.
///
/// @param folder where copies of the databases are, by their file names; empty for where the plan
/// has them. One that is not there has no sagas.
/// @errors what database_error::to_error() says of one that cannot be read.
outcome<std::vector<saga_upgrade>>
find_saga_upgrades(const topology::plan& plan, const std::string& folder = {});

/// For people, a paragraph for each; empty if there are none.
std::string text_of(const std::vector<saga_upgrade>& all);

} // namespace troupe
