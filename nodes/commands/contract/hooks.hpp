#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// `troupe contract hooks FILE...`: serves what other verifiers of Pact files ask of a provider:
/// `POST /_pact/state` sets up a state, `POST /_pact/messages` gives the message of a description,
/// from a running topology. Runs until SIGTERM or SIGINT. Exit codes: 0 stopped, 2 wrong usage or a
/// file that is no contract, 4 the address cannot be listened on.
///
/// @param contract the command it belongs to.
void add_contract_hooks(command contract);

} // namespace troupe
