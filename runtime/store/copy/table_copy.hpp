#pragma once

#include "runtime/outcome.hpp"
#include "runtime/store/copy/table.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe::store {

/// Copies the rows of a table that `to` lacks, where the same columns are, and has identities of
/// PostgreSQL go on behind the highest number.
///
/// Rows go in the order of the key, some megabytes in one transaction: what is there already must
/// be a beginning of that order, such as an earlier call leaves that was cut short. A table without
/// a key is copied anew, in one transaction. Throws database_error, whose message names the table.
///
/// @return how many rows were copied.
std::uint64_t copy_table(const table_space& from, const table_space& to, const table& what);

/// What a comparison found.
struct table_comparison {
  std::uint64_t rows = 0;
  /// The first row that is not the same on both sides, in words; empty if all are.
  std::string difference{};
};

/// Compares every value of two tables, row by row in the order of their key. Throws database_error.
table_comparison compare_table(const table_space& one, const table_space& other, const table& what);

/// The tables that both sides have, each with the columns of `of`.
/// @errors `invalid`: a table or a column is on one side alone, or of another type.
outcome<std::vector<table>>
shared_tables(const std::vector<table>& of, const std::vector<table>& other);

} // namespace troupe::store
