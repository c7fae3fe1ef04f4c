#pragma once

#include "nodes/commands/transfer/stored_database.hpp"
#include "runtime/outcome.hpp"
#include "topology/plan.hpp"

#include <string>
#include <vector>

namespace troupe {

/// A database with both of its places.
struct moved_database {
  stored_database what;
  /// The SQLite file, an absolute path.
  std::string file;
  /// The PostgreSQL database.
  std::string url;

  /// The file under which it arrives, until all are there. open_sqlite() refuses a database beside
  /// which there is one.
  std::string arriving() const { return file + ".migrating"; }
};

/// All that moves, and the direction.
struct move_plan {
  bool to_server = true;
  std::string system;
  std::vector<moved_database> databases;
  /// The capabilities whose databases stay: by the topology they are on the other side already.
  std::vector<std::string> staying;
};

/// The plan of `troupe migrate`: the databases to move, and from where to where.
///
/// `from` and `to` are `sqlite` and `postgresql`, or the place itself as a topology has it under
/// `store`. Without a place it is the topology's, or for files `sqlite:data/{capability}.db`. Moved
/// is what the topology has on a server; all, if it has nothing there.
///
/// @errors `invalid`: the two are one engine, or a place is missing or faulty.
outcome<move_plan>
move_plan_of(const topology::plan& plan, const std::string& from, const std::string& to);

} // namespace troupe
