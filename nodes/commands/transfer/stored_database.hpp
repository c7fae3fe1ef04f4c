#pragma once

#include "runtime/actor/registry.hpp"
#include "runtime/store/migrations.hpp"
#include "topology/plan.hpp"

#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// Whether an owner is a gateway: "gateway.g1". Names of capabilities contain no dots.
bool is_of_gateway(const std::string& owner);

/// The database of a capability, the journal, or the file of a gateway's keys, wherever it is
/// stored.
struct stored_database {
  /// The capability; "journal"; "gateway.NAME".
  std::string owner;
  /// Its place in the topology: "sqlite:data/orders.db", "postgresql://db1/shop".
  std::string store;
  /// The capability's actor type; null for the journal and for gateways.
  std::shared_ptr<const actor_type> type{};

  bool is_gateway() const { return is_of_gateway(owner); }

  bool is_journal() const { return type == nullptr && !is_gateway(); }

  /// The owner as recorded in the database itself.
  std::string owner_inside() const;

  /// Its schema, if it is on a server.
  std::string schema() const;

  /// The components of its schema. On a server a journal also has a lease.
  std::vector<store::component> components(bool is_on_server) const;
};

/// All databases of a topology except those of gateways, the journal last.
std::vector<stored_database> stored_databases(const topology::plan& plan);

/// The files in which gateways record when Idempotency-Keys were first seen, each once: the
/// gateways of a host share one.
std::vector<stored_database> gateway_databases(const topology::plan& plan);

} // namespace troupe
