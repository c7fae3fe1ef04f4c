#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// `troupe saga show FILE ID`: the time line of one saga, with operators' orders and its messages.
/// `troupe saga graph NAME`: draws a saga definition of this program.
///
/// `show` ends with `ok`, or with `rejected` if no node knows the saga; `graph` with `error` if
/// there is no such saga.
void add_saga(command_line& line);

} // namespace troupe
