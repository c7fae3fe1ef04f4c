#pragma once

#include "nodes/commands/transfer/database_copy.hpp"
#include "nodes/commands/transfer/server_books.hpp"
#include "runtime/clock.hpp"
#include "runtime/outcome.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

/// A schema that is to be the copy of a database. The book of moves says that it arrives.
struct new_schema {
  const stored_database& what;
  store::table_space from;
  server_place to;
};

/// Makes and fills the schema, or goes on with what an earlier call has left of it, and compares it
/// with where it came from.
/// @errors of `copy_rows` and `check_equal`; of `open_postgres`.
outcome<database_size>
fill_new_schema(const new_schema& made, server_books& books, const clock& time);

/// How far the copy of a database has come in a schema.
enum class copy_progress : std::uint8_t {
  /// There are no tables.
  none,
  /// A copy was begun, and nobody has ever run on it.
  begun,
  /// The copy has the identity of its original.
  ready,
  /// There is something else: a database that somebody has begun there, or a stranger's tables.
  foreign,
};

/// @param instance of the original.
copy_progress progress_of(const schema_content& there, const uuid& instance);

/// A schema that was to be the copy of a database has become something else: it is left alone.
error not_the_copy(const std::string& url, const std::string& schema, const schema_content& there);

/// A name for a schema that is put aside, which none in the database has yet:
/// "orders-left-2026-11-30-07-15-00". Throws database_error.
std::string free_name_aside(
    store::database& session, const std::string& schema, std::string_view why, const clock& time);

/// The time as part of a name: "2026-11-30T07-15-00".
std::string stamp_of(const clock& time);

} // namespace troupe
