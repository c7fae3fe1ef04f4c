#pragma once

#include "runtime/outcome.hpp"
#include "runtime/store/copy/table.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe::store {

/// Copies the rows that `to` lacks of a table with the same columns, and makes identities of
/// PostgreSQL continue after the highest number.
///
/// Rows go in the order of the key, some megabytes in one transaction: the rows that are there
/// already must be the first ones in that order, as an interrupted earlier call leaves them. A
/// table without a key is copied again as a whole, in one transaction. Throws database_error, whose
/// message names the table.
///
/// @return the number of rows copied.
std::uint64_t copy_table(const table_space& from, const table_space& to, const table& what);

/// The result of a comparison.
struct table_comparison {
  std::uint64_t rows = 0;
  /// The first row that differs between the sides, in words; empty if none does.
  std::string difference{};
};

/// Compares every value of two tables, row by row in the order of their key. Throws database_error.
table_comparison compare_table(const table_space& one, const table_space& other, const table& what);

/// The tables that both sides have, each with the columns of `of`.
/// @errors `invalid`: a table or a column is on one side only, or of another type.
outcome<std::vector<table>>
shared_tables(const std::vector<table>& of, const std::vector<table>& other);

} // namespace troupe::store
