#pragma once

#include "nodes/command_line.hpp"
#include "topology/actor_type.hpp"

#include <string>
#include <vector>

namespace troupe {

/// JSON Schema (2020-12) of topology files, for editors: the keys of topology/README.md with their
/// meanings, ranges and defaults. The ranges are those of the reader.
///
/// Accepts every file that `topology::read` accepts, provided its values have the types that YAML
/// 1.2 gives them; it may accept more, since it checks each key separately.
/// @param types the actor types that `actor` may name.
std::string topology_schema(const std::vector<topology::actor_type>& types);

/// Adds `troupe schema`, which prints it.
void add_schema(command_line& line);

} // namespace troupe
