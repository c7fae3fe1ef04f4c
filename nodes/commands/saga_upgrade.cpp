#include "nodes/commands/saga_upgrade.hpp"

#include "nodes/commands/store_reading.hpp"
#include "nodes/commands/transfer/locked_file.hpp"
#include "runtime/bytes.hpp"
#include "runtime/saga/journal.hpp"
#include "runtime/store/database.hpp"
#include "topology/store_path.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <map>
#include <optional>

namespace troupe {

namespace {

namespace fs = std::filesystem;

/// The running sagas by operation and fingerprint.
using saga_counts = std::map<std::pair<std::string, std::uint64_t>, std::uint64_t>;

saga_counts count_sagas(store::database& session) {
  saga_counts counts;
  auto take = [&](const store::row& row) {
    const store::blob data = row.bytes(1);
    const std::uint64_t fingerprint = data.size() == sizeof(std::uint64_t)
                                          ? load_big_endian<std::uint64_t>(data.data())
                                          : 0; // The value is cut off.
    counts[{std::string{row.text(0)}, fingerprint}] += static_cast<std::uint64_t>(row.integer(2));
  };
  // Finds the fingerprint as `saga::fingerprint_in` does.
  session.query(
      "SELECT s.operation, substr(j.data, 9, 8), COUNT(*) FROM sagas s JOIN saga_journal j"
      " ON j.saga = s.id AND j.seq = 1 WHERE s.phase IN (0, 1, 4)"
      " GROUP BY s.operation, substr(j.data, 9, 8)",
      take);
  return counts;
}

/// Records which of the steps stored under `fingerprint` this program lacks.
void compare_steps(
    store::database& session, std::uint64_t fingerprint, const saga::plan* now, saga_upgrade& to) {
  to.has_steps = false;
  const auto kept = session.has_table("saga_tables")
                        ? saga::journal_table{session}.table(fingerprint)
                        : std::nullopt;
  if (now == nullptr || !kept) {
    return;
  }
  const auto table = saga::read_table(*kept, fingerprint);
  if (!table) {
    return;
  }
  to.has_steps = true;
  to.gone = saga::plan::pinned(*table, *now).gone();
}

const actor_type* saga_type_of(const std::vector<actor_type>& types, const std::string& name) {
  const auto found = std::ranges::find(types, name, &actor_type::name);
  return found == types.end() || found->sagas.empty() ? nullptr : &*found;
}

outcome<void> look_into(
    const std::string& store,
    const std::string& capability,
    const actor_type& type,
    std::vector<saga_upgrade>& found) {
  TROUPE_TRY(const auto opened, open_to_read(store, capability));
  store::database& session = *opened;
  if (!session.has_table("sagas")) {
    return {};
  }
  std::map<std::string, saga::plan> plans;
  for (const saga::definition& each : type.sagas) {
    if (auto made = saga::plan::make(each)) {
      plans.emplace(each.operation, std::move(*made));
    }
  }
  for (const auto& [key, count] : count_sagas(session)) {
    const auto& [operation, fingerprint] = key;
    const auto now = plans.find(operation);
    const saga::plan* const by = now == plans.end() ? nullptr : &now->second;
    if (by == nullptr || by->fingerprint() != fingerprint) {
      saga_upgrade& one = found.emplace_back();
      one.capability = capability;
      one.file = place_text(store, capability);
      one.operation = operation;
      one.sagas = count;
      compare_steps(session, fingerprint, by, one);
    }
  }
  return {};
}

} // namespace

outcome<saga_upgrades> find_saga_upgrades(
    const topology::plan& plan, const std::string& folder, const std::vector<actor_type>& types) {
  saga_upgrades all;
  for (const topology::capability_plan& each : plan.capabilities) {
    const actor_type* const type = saga_type_of(types, each.actor);
    if (type == nullptr || !each.store) {
      continue;
    }
    if (topology::is_on_server(*each.store)) {
      all.not_looked_at.push_back(each.name.value + " is on a server");
      continue;
    }
    const fs::path store = topology::path_in(*each.store);
    const std::string file = (fs::path{folder} / store.filename()).string();
    const auto is_here = has_file(file);
    if (!is_here.value_or(false)) {
      all.not_looked_at.push_back(is_here ? file + " is not here" : is_here.error().message);
      continue;
    }
    try {
      TROUPE_CHECK(look_into("sqlite:" + file, each.name.value, *type, all.found));
    } catch (const store::database_error& fault) {
      return failure{fault.to_error()};
    }
  }
  return all;
}

outcome<saga_upgrades> find_saga_upgrades(
    const topology::plan& plan,
    const earlier_databases& earlier,
    const std::vector<actor_type>& types) {
  saga_upgrades all;
  for (const topology::capability_plan& each : plan.capabilities) {
    const actor_type* const type = saga_type_of(types, each.actor);
    const auto there = earlier.of_capabilities.find(each.name.value);
    // Capabilities without a database there, or with another one now, are reported by the search
    // for work that no process continues (stranded.cpp).
    if (type == nullptr || !each.store || there == earlier.of_capabilities.end()
        || !is_same_place(*each.store, there->second, each.name.value)) {
      continue;
    }
    try {
      TROUPE_CHECK(look_into(there->second, each.name.value, *type, all.found));
    } catch (const store::database_error& fault) {
      return failure{fault.to_error()};
    }
  }
  return all;
}

std::string text_of(const std::vector<saga_upgrade>& all) {
  std::string text;
  for (const saga_upgrade& each : all) {
    text += fmt::format(
        "\nsagas under way: {} of `{}.{}` in {} were started under other steps than this "
        "program's\n"
        "    {}\n",
        each.sagas,
        each.capability,
        each.operation,
        each.file,
        !each.has_steps
            ? std::string{"this program cannot continue them: it has no such saga, or the release "
                          "that started them kept no steps; let them end before the upgrade"}
        : each.gone.empty()
            ? std::string{"they go on and end by the steps that they were started under"}
            : fmt::format(
                "they go on by the steps that they were started under, and stand still where they "
                "need {}, which this program does not have: keep what they need until they are "
                "over, or decide then with `troupe sagas skip` or `compensate`",
                fmt::join(each.gone, ", ")));
  }
  return text;
}

} // namespace troupe
