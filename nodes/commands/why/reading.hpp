#pragma once

#include "nodes/commands/why/life.hpp"
#include "runtime/actor/registry.hpp"
#include "runtime/outcome.hpp"
#include "runtime/store/database.hpp"
#include "topology/plan.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::why {

/// The databases of a topology, or copies of them, opened for reading beside whoever writes them.
class reading {
public:
  /// Opens what is there. What is not goes into the `not_known` of each life.
  /// @param types the actor types of this program, for the names of saga steps; outlives this.
  /// @param folder with copies under the names of the files; empty for the files themselves.
  reading(const topology::plan& plan, const registry& types, const std::string& folder);

  /// All that is known of an id, and of what came of it. Throws store::database_error.
  life of(const uuid& asked) const;

  /// The newest events with an ordering key, 10 at most, oldest first.
  std::vector<uuid> with_key(std::string_view key) const;

private:
  struct capability {
    const topology::capability_plan* plan;
    const actor_type* type;
    std::unique_ptr<store::database> database;
  };

  void look_at(const capability& in, const std::set<uuid>& ids, life& into) const;
  void look_at_journal(const std::set<uuid>& ids, life& into) const;
  void add_deliveries(event_told& to) const;
  std::set<uuid> followers(const life& of) const;

  const topology::plan& plan_;
  std::vector<capability> capabilities_;
  std::unique_ptr<store::database> journal_;
  std::vector<std::string> not_known_;
};

} // namespace troupe::why
