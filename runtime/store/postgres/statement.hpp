#pragma once

#include <cstdint>
#include <libpq-fe.h>
#include <string>
#include <vector>

namespace troupe::store {

/// A prepared statement and the facts about it that running it needs.
struct postgres_statement {
  std::string sql;
  /// Its name at the server: "s17".
  std::string name;
  std::vector<Oid> parameters;
  /// The same for many rows, with an array for each parameter (dialect's many_rows_of); empty where
  /// there is no such statement.
  std::string many_rows{};
  /// INSERT, UPDATE, DELETE and similar: everything but plain reads.
  bool changes_rows = false;
  std::uint64_t last_used = 0;

  std::string many_rows_name() const { return name + "r"; }
};

} // namespace troupe::store
