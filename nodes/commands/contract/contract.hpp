#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// `troupe contract verify FILE...`: checks a provider against contracts. Exit codes: 0 they hold;
/// 1 they do not; 2 wrong usage, or a file that is not a contract.
void add_contract(command_line& line);

} // namespace troupe
