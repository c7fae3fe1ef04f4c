#pragma once

#include "runtime/clock.hpp"
#include "runtime/contract/interaction.hpp"
#include "runtime/outcome.hpp"

#include <string>

namespace troupe {

/// Brings a provider into a state: `where` is a URL or a command.
///
/// A URL gets a POST of {"state", "params", "action": "setup"}, as other verifiers of Pact files
/// send it. A command is run by the shell, with `setup` and the state's name as arguments, and the
/// same JSON on stdin. Either may answer with a JSON object, whose values replace those of the
/// contract where it asks for that (`ProviderState` generators).
/// @return the object; an empty one if the answer is not an object.
/// @errors `unavailable`: the hook failed, with the reason.
outcome<contract::json>
set_up_state(const std::string& where, const contract::provider_state& state, milliseconds within);

} // namespace troupe
