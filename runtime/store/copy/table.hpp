#pragma once

#include "runtime/store/database.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// Descriptions of the tables in a database of either engine, for code that copies them without
// knowing their purpose: moves between engines, and backups.

namespace troupe::store {

enum class column_type : std::uint8_t { integer, real, text, bytes };

struct column {
  std::string name;
  column_type type = column_type::bytes;
  /// PostgreSQL generates a number for rows that are inserted without one.
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

/// Where a session has its tables: in a SQLite file, or in a schema of a PostgreSQL database.
/// Borrows the session.
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

/// The columns of a table in which SQLite holds a value of another type than the declared one.
/// SQLite accepts any, PostgreSQL none. Reads the whole table. Throws database_error.
std::vector<std::string> columns_of_mixed_types(const table_space& space, const table& what);

} // namespace troupe::store
