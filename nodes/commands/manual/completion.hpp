#pragma once

#include "nodes/command_line.hpp"

#include <string>

namespace troupe {

/// Completion of a program's commands, options and files, for bash 4, zsh and fish. Pure.
std::string bash_completion(const command_page& program);
std::string zsh_completion(const command_page& program);
std::string fish_completion(const command_page& program);

} // namespace troupe
