#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// `troupe token keys FILE`: makes the keys of service tokens, or puts a new one in front.
/// `troupe token new FILE --for SERVICE`: makes a service token.
/// `troupe token show FILE [TOKEN-FILE]`: what a token says, and whether it holds.
///
/// Tokens are no words of a command line, which others of the machine can read: `new` writes to
/// stdout, `show` reads stdin or a file. Each ends with `ok`; `faults` if the topology has some;
/// `error` if it has no `security: {tokens: ...}`, a key cannot be used, or the token does not
/// hold.
void add_token(command_line& line);

} // namespace troupe
