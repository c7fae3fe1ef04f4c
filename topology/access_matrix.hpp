#pragma once

#include "topology/actor_type.hpp"
#include "topology/plan.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::topology {

/// A party that connects, or a capability, and what it may do.
struct access_party {
  enum class kind : std::uint8_t {
    capability,
    gateway,
    /// The owner of a key that the topology names in `allow` alone.
    client,
    /// Peers without a key.
    anonymous,
  };

  std::string name;
  kind is = kind::client;
  /// The nodes of a capability, which have its rights.
  std::vector<std::string> nodes{};
  security::grants may{};
};

/// "capability", "gateway", "client" or "anonymous".
std::string_view name_of(access_party::kind kind);

/// An operation, and the parties that may call it.
struct operation_access {
  std::string capability;
  std::string operation;
  std::vector<std::string> callers;
};

/// Everybody who may do something, as `security` of the plan says: capabilities, gateways, clients.
std::vector<access_party> access_parties(const plan& plan);

/// The table of who may call each operation of the plan's capabilities.
/// @param types which the plan was checked with.
std::vector<operation_access> access_to_operations(
    const plan& plan,
    const std::vector<actor_type>& types,
    const std::vector<access_party>& parties);

} // namespace troupe::topology
