#pragma once

#include "nodes/commands/transfer/stored_database.hpp"
#include "runtime/outcome.hpp"
#include "runtime/store/copy/table.hpp"
#include "runtime/store/database.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// The databases of `all` that have a schema on their server.
/// @param missing receives the owners of the others.
/// @errors `invalid`: a schema of another system, data that are being moved, or tables of another
/// release; of `open_postgres`.
outcome<std::vector<stored_database>> made_schemas(
    std::vector<stored_database> all, const std::string& system, std::vector<std::string>& missing);

/// A snapshot of all schemas of a system: a read-only transaction (REPEATABLE READ) in each
/// PostgreSQL database that has any. Writers continue meanwhile.
class server_moment {
public:
  /// @param is_one_place true if nothing else belongs to the snapshot, so that one database is
  /// consistent by itself; otherwise the capabilities' writers wait until `let_go`.
  /// @errors of `open_postgres`; `unavailable`: a writer keeps its lock.
  static outcome<server_moment>
  take(const std::vector<stored_database>& all, const std::string& system, bool is_one_place);

  /// Lets writers continue.
  /// @return whether they have waited until now: a writer ends a session that keeps it waiting for
  /// longer than a turn may take, and continues.
  bool let_go();

  /// Where the database can be read.
  store::table_space space_of(const stored_database& what) {
    return {sessions_.at(what.store).get(), what.schema()};
  }

private:
  std::map<std::string, std::unique_ptr<store::database>> sessions_;
  /// Sessions whose transactions hold the locks.
  std::vector<std::unique_ptr<store::database>> locks_;
};

} // namespace troupe
