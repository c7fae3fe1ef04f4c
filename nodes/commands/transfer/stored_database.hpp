#pragma once

#include "runtime/actor/registry.hpp"
#include "runtime/store/migrations.hpp"
#include "topology/plan.hpp"

#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// Whether an owner is a gateway: "gateway.g1". No capability has a dot in its name.
bool is_of_gateway(const std::string& owner);

/// The database of a capability, the journal, or the file of a gateway's keys, wherever it is kept.
struct stored_database {
  /// The capability; "journal"; "gateway.NAME".
  std::string owner;
  /// What the topology says of its place: "sqlite:data/orders.db", "postgresql://db1/shop".
  std::string store;
  /// The capability's actor type; null for the journal and for gateways.
  std::shared_ptr<const actor_type> type{};

  bool is_gateway() const { return is_of_gateway(owner); }

  bool is_journal() const { return type == nullptr && !is_gateway(); }

  /// The owner as the database itself names it.
  std::string owner_inside() const;

  /// Its schema, if it is on a server.
  std::string schema() const;

  /// The parts of its tables. On a server a journal has a lease, too.
  std::vector<store::component> components(bool is_on_server) const;
};

/// All databases of a topology but those of gateways, the journal last.
std::vector<stored_database> stored_databases(const topology::plan& plan);

/// The files in which gateways keep when Idempotency-Keys came first, each once: gateways of a host
/// share one.
std::vector<stored_database> gateway_databases(const topology::plan& plan);

} // namespace troupe
