#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// `troupe token keys FILE`: creates the key that signs service tokens, or a new one before the
/// existing one.
/// `troupe token new FILE --for SERVICE`: creates a service token.
/// `troupe token show FILE [TOKEN-FILE]`: shows what a token says, and whether it is valid.
///
/// Tokens are never command-line words, which other users of the machine could read: `new` writes
/// to stdout, `show` reads stdin or a file. Each ends with `ok`; `faults` if the topology has some;
/// `error` if it has no `security: {tokens: ...}`, a key cannot be used, or the token is not valid.
void add_token(command_line& line);

} // namespace troupe
