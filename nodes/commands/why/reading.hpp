#pragma once

#include "nodes/commands/why/asked_stores.hpp"
#include "nodes/commands/why/life.hpp"
#include "runtime/actor/registry.hpp"
#include "runtime/store/database.hpp"
#include "topology/plan.hpp"

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::why {

/// The databases of a topology, or copies of them, opened for reading beside their writers. Those
/// that are not on this machine are read through the nodes and the broker that have them.
class reading {
public:
  /// Opens the databases that are here. Others are asked for, unless these are copies; what cannot
  /// be asked for either is listed in `not_known` of each result.
  /// @param types the actor types of this program, for the names of saga steps; outlives this.
  /// @param folder with copies under the names of the files; empty for the files themselves.
  reading(const topology::plan& plan, const registry& types, const std::string& folder);

  /// Everything known of an id and of its consequences. Throws store::database_error.
  life of(const uuid& asked);

  /// The newest events with an ordering key, at most 10, oldest first.
  /// @errors if the journal cannot be read; `rejected` if it has none.
  outcome<std::vector<uuid>> with_key(std::string_view key);

private:
  struct capability {
    const topology::capability_plan* plan;
    const actor_type* type;
    std::unique_ptr<store::database> database;
    /// Its nodes are asked instead.
    bool is_asked = false;
  };

  void look_at(capability& in, const std::set<uuid>& ids, life& into);
  void look_at_journal(const std::set<uuid>& ids, life& into);
  void add_deliveries(wire::event_told& to, life& all);
  bool tell_delivery(
      capability& by, std::uint32_t partition, std::uint64_t position, wire::delivery_told& told);
  void begin_asking_journal(const uuid& about, life& into);
  void note(std::string what);
  std::set<uuid> followers(const life& of) const;

  const topology::plan& plan_;
  std::vector<capability> capabilities_;
  std::unique_ptr<store::database> journal_;
  bool asks_journal_ = false;
  asked_stores asked_;
  std::vector<std::string> not_known_;
};

} // namespace troupe::why
