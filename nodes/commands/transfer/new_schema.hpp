#pragma once

#include "nodes/commands/transfer/database_copy.hpp"
#include "nodes/commands/transfer/server_books.hpp"
#include "runtime/clock.hpp"
#include "runtime/outcome.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

/// A schema that is to become the copy of a database, recorded as arriving in the book of moves.
struct new_schema {
  const stored_database& what;
  store::table_space from;
  server_place to;
};

/// Creates and fills the schema, or continues what an earlier call has left, and compares it with
/// its source.
/// @errors of `copy_rows` and `check_equal`; of `open_postgres`.
outcome<database_size>
fill_new_schema(const new_schema& made, server_books& books, const clock& time);

/// The progress of a copy in a schema.
enum class copy_progress : std::uint8_t {
  /// There are no tables.
  none,
  /// A copy was begun, and no process has ever run on it.
  begun,
  /// The copy has the identity of its original.
  ready,
  /// Something else: a database started there, or foreign tables.
  foreign,
};

/// @param instance of the original.
copy_progress progress_of(const schema_content& there, const uuid& instance);

/// The error for a schema that was to become a copy and now contains something else, which is left
/// alone.
error not_the_copy(const std::string& url, const std::string& schema, const schema_content& there);

/// An unused name for a schema that is put aside: "orders-left-2026-11-30-07-15-00". Throws
/// database_error.
std::string free_name_aside(
    store::database& session, const std::string& schema, std::string_view why, const clock& time);

/// The time as part of a name: "2026-11-30T07-15-00".
std::string stamp_of(const clock& time);

} // namespace troupe
