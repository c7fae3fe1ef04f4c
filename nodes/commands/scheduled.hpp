#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// `troupe scheduled list, show or cancel`: events scheduled for later publication. `list` shows
/// those of the journal and, with FILE, those of actors; the others concern the journal's only.
///
/// All take FILE or --broker, --deadline and --json. `list` takes --topic, --due-before,
/// --due-after and --count; `show` takes an ID, `cancel` an ID and --reason. They end with `ok`,
/// with `rejected` if the event is not scheduled (any more), `error` if no node of a capability
/// listed its timers, `deadline` if no answer came in time, else with `error`.
void add_scheduled(command_line& line);

} // namespace troupe
