#pragma once

#include "runtime/store/database.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// Tables as they are found in a database of either engine, for whoever copies them without knowing
// what they are for: moves between engines and backups.

namespace troupe::store {

enum class column_type : std::uint8_t { integer, real, text, bytes };

struct column {
  std::string name;
  column_type type = column_type::bytes;
  /// PostgreSQL gives numbers to rows that are inserted without one.
  bool is_identity = false;
};

/// A table and its columns.
struct table {
  std::string name;
  std::vector<column> columns;
  /// The columns of its primary key, in the key's order, by their place in `columns`. Empty if it
  /// has none.
  std::vector<std::size_t> key;

  const column* find(std::string_view column) const;
};

/// Where a session finds its tables: in the one schema of a SQLite file, or in this schema of a
/// PostgreSQL database. Borrows the session.
struct table_space {
  database* session = nullptr;
  /// Empty: a SQLite file.
  std::string schema{};

  bool is_on_server() const { return !schema.empty(); }

  /// The name of a table in statements.
  std::string name_of(std::string_view table) const;
};

/// `name` as SQL takes it, whatever its characters.
std::string quoted_name(std::string_view name);

/// All tables of `space`, by name. Throws database_error; `schema` for a column of a type that the
/// engines do not share.
std::vector<table> tables_of(const table_space& space);

/// The columns of a table in which SQLite holds a value of another type than they are declared as;
/// it takes any, and PostgreSQL none. Reads the table through. Throws database_error.
std::vector<std::string> columns_of_mixed_types(const table_space& space, const table& what);

} // namespace troupe::store
