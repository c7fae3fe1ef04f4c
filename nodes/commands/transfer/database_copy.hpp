#pragma once

#include "nodes/commands/transfer/stored_database.hpp"
#include "runtime/clock.hpp"
#include "runtime/ids.hpp"
#include "runtime/outcome.hpp"
#include "runtime/store/copy/table.hpp"

#include <cstdint>
#include <optional>

namespace troupe {

// Copies a database to the other engine: the same tables by the same steps, the same rows, and the
// same identity, so that outboxes, journal and cursors recognize each other as before.

/// The identity of a database, which a copy shares with its original.
struct database_identity {
  uuid instance;
  std::int64_t created_at = 0;

  bool operator==(const database_identity&) const = default;
};

/// Nothing if the space has no database. Throws database_error.
std::optional<database_identity> identity_of(const store::table_space& space);

/// Creates the tables of `what` in `to`, empty, and gives it the identity and the schema versions
/// of `from`, which must be up to date. The identity comes last, so that a copy without it is
/// incomplete. Sessions with `to` must be reopened.
/// @errors of the store.
outcome<void> make_ready(
    const stored_database& what,
    const store::table_space& from,
    const store::table_space& to,
    const clock& time);

/// The size of a database.
struct database_size {
  std::size_t tables = 0;
  std::uint64_t rows = 0;
};

/// Copies the rows that `to`, prepared by make_ready, lacks.
/// @errors `invalid`: tables differ, or contain values that the other engine does not accept; of
/// the store.
outcome<void> copy_rows(
    const stored_database& what, const store::table_space& from, const store::table_space& to);

/// Compares identity, versions and every value of every table.
/// @errors `conflict`: the first difference, in words; of the store.
outcome<database_size> check_equal(
    const stored_database& what, const store::table_space& one, const store::table_space& other);

/// Checks that each value in a SQLite file has the type of its column, as PostgreSQL requires.
/// @errors `invalid`, naming table and column; of the store.
outcome<void> check_types(const store::table_space& file);

} // namespace troupe
