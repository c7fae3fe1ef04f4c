#pragma once

#include "runtime/actor/registry.hpp"
#include "runtime/store/migrations.hpp"
#include "topology/plan.hpp"

#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// The database of a capability, or the journal, wherever it is kept.
struct stored_database {
  /// The capability; "journal".
  std::string owner;
  /// What the topology says of its place: "sqlite:data/orders.db", "postgresql://db1/shop".
  std::string store;
  /// The capability's actor type; null for the journal.
  std::shared_ptr<const actor_type> type{};

  bool is_journal() const { return type == nullptr; }

  /// The owner as the database itself names it.
  std::string owner_inside() const;

  /// Its schema, if it is on a server.
  std::string schema() const;

  /// The parts of its tables. On a server a journal has a lease, too.
  std::vector<store::component> components(bool is_on_server) const;
};

/// All databases of a topology, the journal last.
std::vector<stored_database> stored_databases(const topology::plan& plan);

/// The path in "sqlite:data/orders.db".
std::string path_in(const std::string& store);

} // namespace troupe
