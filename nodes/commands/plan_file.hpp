#pragma once

#include "nodes/commands/output.hpp"
#include "topology/faults.hpp"
#include "topology/plan.hpp"

#include <string>

namespace troupe {

/// Reads the plan in `file`. Faults are printed, as JSON to stdout or as text to stderr.
or_exit<topology::plan> load_plan(const std::string& file, bool json);

/// Like `load_plan`, from the file's text.
or_exit<topology::plan> load_text(const std::string& text, const std::string& file, bool json);

/// Prints faults as `load_plan` does.
void print_faults(const topology::faults& found, bool json);

/// `unknown_capability`: `plan` has no such capability; suggests the closest name.
error unknown_capability(const topology::plan& plan, const std::string& name);

} // namespace troupe
