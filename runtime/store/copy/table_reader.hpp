#pragma once

#include "runtime/store/copy/table.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace troupe::store {

/// An owned copy of a value. Text and bytes are both a string; the column says which.
using cell = std::variant<null_value, std::int64_t, double, std::string>;

/// The values of a row, in the order of the table's columns.
using row_cells = std::vector<cell>;

/// The values of a row that was selected with the columns of `of`.
row_cells cells_of(const row& from, const table& of);

/// The value as a parameter; borrows `of`.
value parameter_of(const cell& of, column_type type);

/// The key of a row for people: "order_id=0192..., sku=tea-red".
std::string key_text(const table& of, const row_cells& row);

/// The bytes of a row, about.
std::size_t size_of(const row_cells& row);

/// Reads a table in the order of its primary key, which both engines agree on (PostgreSQL with
/// collation C). A table without a key is read in the order of all of its columns.
///
/// Reads page by page, since a session with a server has whole results in memory. Either nobody
/// writes meanwhile, or all of it is one transaction that sees one moment. Borrows the session and
/// the table, `what`, whose columns may be some of the table's.
class table_reader {
public:
  /// @param after if given, starts after the row with these values of the key.
  table_reader(table_space from, const table& what, row_cells after = {});

  /// The next row, valid until the next call; null at the end. Throws database_error.
  const row_cells* next();

private:
  bool read_page();
  std::string statement() const;

  table_space from_;
  const table& what_;
  row_cells after_; // Values of the key.
  std::vector<row_cells> page_;
  std::size_t at_ = 0;
  std::int64_t rows_max_;
  std::int64_t passed_ = 0; // Rows, where there is no key.
  bool is_over_ = false;
};

} // namespace troupe::store
