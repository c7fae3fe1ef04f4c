#pragma once

#include "runtime/wire/message.hpp"

#include <cstdint>
#include <string>

namespace troupe::notes {

/// The body of `add` and of the events `note.*`.
struct add_note {
  std::string text;
};

TROUPE_MESSAGE(add_note, text)

struct note_added {
  uuid note_id;
};

TROUPE_MESSAGE(note_added, note_id)

/// The event `noted`, published in the turn that stored a note from an event
/// (`notes_options::tell`).
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
