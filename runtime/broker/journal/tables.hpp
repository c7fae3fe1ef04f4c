#pragma once

#include "runtime/broker/journal/event.hpp"
#include "runtime/error.hpp"
#include "runtime/store/database.hpp"
#include "runtime/store/migrations.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

// What the journal's tables are made of, and how their rows are read. JOURNAL.md is the format.

namespace troupe::broker {

/// Whose database a journal is, and the component of its migrations.
inline constexpr std::string_view journal_component = "troupe.journal";

std::span<const store::migration> journal_migrations();

inline store::blob bytes_of(std::string_view text) {
  return std::as_bytes(std::span{text});
}

inline std::string text_of(store::blob bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The columns `id, time, digest, key, source, traceparent, only_for, body`, borrowed from `what`.
void append_event_columns(const event& what, std::vector<store::value>& to);

/// The same columns, from `first` on.
void read_event_columns(const store::row& from, int first, event& to);

/// What `met` means for whoever asked the journal, in words; `doing`: "write to the journal".
error journal_error(const store::database_error& met, std::string_view doing);

} // namespace troupe::broker
