#pragma once

#include "nodes/commands/output.hpp"
#include "topology/faults.hpp"
#include "topology/plan.hpp"

#include <string>

namespace troupe {

/// The plan in `file`. Its faults are printed to stdout as JSON, else to stderr.
or_exit<topology::plan> load_plan(const std::string& file, bool json);

/// Does what `load_plan` does, with the text of the file.
or_exit<topology::plan> load_text(const std::string& text, const std::string& file, bool json);

/// Prints faults as `load_plan` does.
void print_faults(const topology::faults& found, bool json);

/// `unknown_capability`: `plan` has none of that name, with the nearest one that it has.
error unknown_capability(const topology::plan& plan, const std::string& name);

} // namespace troupe
