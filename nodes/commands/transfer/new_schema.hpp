#pragma once

#include "nodes/commands/transfer/database_copy.hpp"
#include "nodes/commands/transfer/server_books.hpp"
#include "runtime/clock.hpp"
#include "runtime/outcome.hpp"

#include <string>

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

/// A new name for a schema that is put aside: "orders-left-2026-11-30-07-15-00".
std::string name_aside(const std::string& schema, std::string_view why, const clock& time);

/// The time as part of a name: "2026-11-30T07-15-00".
std::string stamp_of(const clock& time);

} // namespace troupe
