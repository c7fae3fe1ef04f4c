#pragma once

#include "runtime/config.hpp"
#include "runtime/wire/description.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::topology {

/// A call that a saga makes.
struct called_operation {
  /// "capability.operation".
  std::string to;
  /// Names of the types that it sends and reads, among those of the caller; nothing if the caller
  /// does not declare them.
  std::optional<std::string> request{};
  std::optional<std::string> reply{};
};

/// An actor type linked into a program: what the checks of a topology need to know about it.
struct actor_type {
  std::string name;
  bool wants_store = false;
  /// Adds a fault for each thing wrong with a capability's `config`.
  std::function<void(const config_tree& config, std::vector<fault>& faults)> check_config;
  /// Every call its sagas make; each must be served by the topology.
  std::vector<called_operation> calls;
  /// Whether it also calls others, which its `config` names.
  bool asks_others = false;
  bool has_effects = false;
  /// The types of those calls.
  std::vector<wire::message_schema> call_types{};
  /// The description of its operations, handlers and events.
  wire::actor_description described{};

  /// The topics it has handlers for, or patterns of them.
  std::vector<std::string> events() const;
};

/// The type called `name`, or null.
const actor_type* type_named(std::string_view name, const std::vector<actor_type>& types);

} // namespace troupe::topology
