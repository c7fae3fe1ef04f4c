#pragma once

#include "runtime/contract/interaction.hpp"
#include "runtime/outcome.hpp"

#include <string>
#include <vector>

namespace troupe {

/// The contracts in `files`.
/// @errors `invalid`, with the file: no file is given; one cannot be read, is not a contract, or
/// has no interactions, so that it would always hold.
outcome<std::vector<contract::pact>> read_contracts(const std::vector<std::string>& files);

} // namespace troupe
