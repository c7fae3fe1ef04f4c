#pragma once

#include "runtime/broker/journal/event.hpp"
#include "runtime/error.hpp"
#include "runtime/store/blobs.hpp"
#include "runtime/store/migrations.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// The journal's tables, and the writing and reading of their rows. README.md describes them.

namespace troupe::broker {

/// The owner of the journal's database, and the first component of its tables.
inline constexpr std::string_view journal_component = "troupe.journal";

/// The first is of the first release.
std::span<const store::component> journal_components();

/// These components, and that of the lease, for a shared journal.
std::span<const store::component> shared_journal_components();

using store::bytes_of;

/// Appends the columns `id, time, digest, key, source, traceparent, only_for, body`, borrowed from
/// `what`.
void append_event_columns(const event& what, std::vector<store::value>& to);

/// Reads the same columns, from `first` on.
void read_event_columns(const store::row& from, int first, event& to);

/// The 64 positions of a cursor, one for each partition, as the table `cursors` has them.
std::string packed(const std::array<std::uint64_t, 64>& positions);
/// Throws database_error if `bytes` are not 64 positions.
void unpack(store::blob bytes, std::array<std::uint64_t, 64>& positions);

/// @param what of the journal, in the plural: "topics".
[[noreturn]] void throw_damaged(std::string_view what);

/// The error for a caller of the journal, made from `met`; `doing`: "write to the journal".
error journal_error(const store::database_error& met, std::string_view doing);

} // namespace troupe::broker
