#pragma once

#include "runtime/config.hpp"

#include <string>

namespace troupe::topology {

/// The machine under `host` of a section: "here" if it is the one the file is used on, whichever of
/// the names that each machine has for itself the file says, or nothing.
std::string read_host(config_reader& section);

} // namespace troupe::topology
