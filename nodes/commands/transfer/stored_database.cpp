#include "nodes/commands/transfer/stored_database.hpp"

#include "nodes/commands/backup/manifest.hpp"
#include "runtime/broker/journal/tables.hpp"
#include "topology/store_path.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace troupe {

// No capability with data may have it.
static_assert(topology::journal_name == std::string_view{backup_manifest::journal_owner});

bool is_of_gateway(const std::string& owner) {
  return owner.starts_with("gateway.");
}

std::string stored_database::owner_inside() const {
  return is_journal() ? std::string{broker::journal_component} : owner;
}

std::string stored_database::schema() const {
  return is_journal() ? std::string{topology::journal_schema} : owner;
}

std::vector<store::component> stored_database::components(bool is_on_server) const {
  if (!is_journal()) {
    return components_of(*type);
  }
  const auto all =
      is_on_server ? broker::shared_journal_components() : broker::journal_components();
  return {all.begin(), all.end()};
}

std::vector<stored_database> stored_databases(const topology::plan& plan) {
  std::vector<std::shared_ptr<const actor_type>> types;
  for (actor_type& each : registered_types()) {
    types.push_back(std::make_shared<const actor_type>(std::move(each)));
  }
  std::vector<stored_database> all;
  for (const topology::capability_plan& each : plan.capabilities) {
    const auto type =
        std::ranges::find_if(types, [&](const auto& one) { return one->name == each.actor; });
    if (each.store && type != types.end()) { // A checked topology has only known types.
      all.push_back({each.name.value, *each.store, *type});
    }
  }
  all.push_back({backup_manifest::journal_owner, plan.events.journal, nullptr});
  return all;
}

std::vector<stored_database> gateway_databases(const topology::plan& plan) {
  std::vector<stored_database> all;
  for (const topology::gateway_plan& each : plan.gateways) {
    const bool is_new = each.store && std::ranges::none_of(all, [&](const auto& other) {
                          return other.store == *each.store;
                        });
    if (is_new) {
      all.push_back({"gateway." + each.name, *each.store});
    }
  }
  return all;
}

} // namespace troupe
