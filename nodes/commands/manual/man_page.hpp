#pragma once

#include "nodes/command_line.hpp"

#include <string>

namespace troupe {

/// A page for man(1), of section 1, with all commands of the program. Pure.
/// @source man(7); groff_man(7).
std::string man_page(const command_page& program, const std::string& version);

} // namespace troupe
