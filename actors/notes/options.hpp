#pragma once

#include "runtime/wire/message.hpp"

namespace troupe::notes {

/// The `config` of a capability of type `notes`.
struct notes_options {
  /// Whether each note that arrives as an event is announced by the event `noted`.
  bool tell = false;
};

TROUPE_MESSAGE(notes_options, tell)

} // namespace troupe::notes
