#pragma once

#include "runtime/wire/message.hpp"

#include <cstdint>
#include <string>

namespace troupe::notes {

/// `add`, and the events `note.*`: keeps a note.
struct add_note {
  std::string text;
};

TROUPE_MESSAGE(add_note, text)

struct note_added {
  uuid note_id;
};

TROUPE_MESSAGE(note_added, note_id)

/// The event `noted`, in the turn that kept a note which came as an event, if `tell` says so.
struct noted {
  uuid note_id;
  std::string text;
};

TROUPE_MESSAGE(noted, note_id, text)

/// `count`.
struct count_notes {};

TROUPE_MESSAGE(count_notes)

struct note_count {
  std::int64_t count = 0;
};

TROUPE_MESSAGE(note_count, count)

} // namespace troupe::notes
