#pragma once

#include "runtime/config.hpp"

#include <string>

namespace troupe::topology {

/// The machine under `host` of a section: "here" for the machine the file is used on, if the file
/// gives any of the names that every machine has for itself, or nothing.
std::string read_host(config_reader& section);

} // namespace troupe::topology
