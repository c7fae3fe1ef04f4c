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

  /// The name of the file until all databases have arrived. open_sqlite() refuses a database beside
  /// which such a file exists.
  std::string arriving() const { return file + ".migrating"; }
};

/// Everything to be moved, and the direction.
struct move_plan {
  bool to_server = true;
  std::string system;
  std::vector<moved_database> databases;
  /// The capabilities whose databases stay, since the topology has them on the other side already.
  std::vector<std::string> staying;
};

/// The plan of `troupe migrate`: which databases to move, from where to where.
///
/// `from` and `to` are `sqlite` or `postgresql`, or a place as written under `store` in a topology.
/// Without a place it is the topology's, or for files `sqlite:data/{capability}.db`. The databases
/// that the topology has on a server are moved; all, if it has none there.
///
/// @errors `invalid`: both sides are the same engine, or a place is missing or faulty.
outcome<move_plan>
move_plan_of(const topology::plan& plan, const std::string& from, const std::string& to);

} // namespace troupe
