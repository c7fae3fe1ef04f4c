#pragma once

#include "runtime/config.hpp"
#include "topology/plan.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace troupe::topology {

/// What `read` must know about the actor types linked into a program, without knowing them.
struct actor_type {
  std::string name;
  /// Whether it needs a store.
  bool wants_store = false;
  /// Adds a fault for each thing wrong with a capability's `config`.
  std::function<void(const config_tree& config, std::vector<fault>& faults)> check_config;
  /// "capability.operation" of every call its sagas make; each must be served by the topology.
  std::vector<std::string> calls;
  /// The operations it serves.
  std::vector<std::string> operations;
  /// The topics it has handlers for, or patterns of them.
  std::vector<std::string> events{};
};

/// Everything wrong with a file, in the order of the file.
struct faults {
  std::string file;
  std::vector<fault> all;

  /// One "file:line:column: what, and what to do" per line.
  std::string to_text() const;
};

/// The file's text to a checked plan, or all its faults at once.
///
/// @param text the YAML; `file` names it in faults and gives the folder of relative paths.
/// @param types the actor types the programs have; a capability with another one is a fault.
std::variant<plan, faults>
read(std::string_view text, const std::string& file, const std::vector<actor_type>& types);

/// Reads `file` from disk; a file that cannot be read is one fault at {0, 0}.
std::variant<plan, faults> read_file(const std::string& file, const std::vector<actor_type>& types);

/// The plan in words, for a person: what runs where and what happens when it fails.
///
/// @param types those that it was read with.
std::string explain(const plan& plan, const std::vector<actor_type>& types);

/// The one called `name`, or null.
const actor_type* type_named(std::string_view name, const std::vector<actor_type>& types);

} // namespace troupe::topology
