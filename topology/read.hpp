#pragma once

#include "topology/actor_type.hpp"
#include "topology/faults.hpp"
#include "topology/plan.hpp"

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace troupe::topology {

/// Turns the text of a topology file into a checked plan, or into all of its faults together.
///
/// @param text YAML.
/// @param file names the text in faults and gives the folder in which relative paths start.
/// @param types the actor types of the program; a capability with another one is a fault.
std::variant<plan, faults>
read(std::string_view text, const std::string& file, const std::vector<actor_type>& types);

/// The text of `file`, which may also be a pipe with a writer. If it cannot be read, the fault has
/// the position {0, 0}.
std::variant<std::string, faults> read_text(const std::string& file);

/// Does what `read` does with the text of the open file `descriptor`, from its beginning on.
std::variant<plan, faults>
read_open(int descriptor, const std::string& file, const std::vector<actor_type>& types);

/// Reads `file` from disk, as `read_text` does.
std::variant<plan, faults> read_file(const std::string& file, const std::vector<actor_type>& types);

} // namespace troupe::topology
