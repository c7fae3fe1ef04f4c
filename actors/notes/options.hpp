#pragma once

#include "runtime/wire/message.hpp"

namespace troupe::notes {

/// The `config` of a capability of type `notes`.
struct notes_options {
  /// Whether the event `noted` tells of each note that came as an event.
  bool tell = false;
};

TROUPE_MESSAGE(notes_options, tell)

} // namespace troupe::notes
