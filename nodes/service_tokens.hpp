#pragma once

#include "runtime/outcome.hpp"
#include "runtime/security/checked_tokens.hpp"
#include "topology/plan.hpp"

#include <memory>

namespace troupe {

/// What checkers of service tokens expect by the topology.
security::token_rules token_rules(const topology::token_options& options);

/// The checker of a gateway's tokens; null if its topology has no `tokens`, or if there are no keys
/// and no route asks for a token.
/// @errors of `security::read_checking_keys`.
outcome<std::unique_ptr<security::checked_tokens>>
open_tokens(const topology::plan& plan, const topology::gateway_plan& self);

} // namespace troupe
