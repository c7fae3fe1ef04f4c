#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// `troupe contract hooks FILE...`: serves the hooks that other verifiers of Pact files call, from
/// a running topology: `POST /_pact/state` sets up a state, `POST /_pact/messages` returns the
/// message with a given description. Runs until SIGTERM or SIGINT. Exit codes: 0 stopped, 2 wrong
/// usage or a file that is not a contract, 4 cannot listen at the address.
///
/// @param contract the parent command.
void add_contract_hooks(command contract);

} // namespace troupe
