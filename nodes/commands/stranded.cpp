#include "nodes/commands/stranded.hpp"

#include "nodes/commands/left_behind.hpp"
#include "nodes/commands/store_reading.hpp"
#include "nodes/commands/stranded_events.hpp"
#include "nodes/commands/transfer/locked_file.hpp"
#include "nodes/commands/transfer/stored_database.hpp"
#include "runtime/actor/registry.hpp"
#include "runtime/broker/journal/tables.hpp"
#include "runtime/contains.hpp"
#include "runtime/store/database.hpp"
#include "topology/read.hpp"
#include "topology/store_path.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>

namespace troupe {

namespace {

namespace fs = std::filesystem;

std::string store_at(const std::string& file) {
  return "sqlite:" + file;
}

/// The rows (name, number) of a query; none if the table is missing.
std::vector<std::pair<std::string, std::int64_t>>
counts(store::database& session, std::string_view table, const std::string& query) {
  std::vector<std::pair<std::string, std::int64_t>> found;
  if (session.has_table(table)) {
    session.query(
        query, [&](const store::row& row) { found.emplace_back(row.text(0), row.integer(1)); });
  }
  return found;
}

bool has_operation(const topology::actor_type& type, const std::string& operation) {
  const auto names = type.described.operation_names();
  return contains(names, operation);
}

/// The work of a database that nobody goes on with; nothing if there is none.
std::optional<std::string> work_in(store::database& session, const std::string& name) {
  const left_behind work = unfinished_work(session, name, 0);
  if (!work.has_work()) {
    return std::nullopt;
  }
  return fmt::format(
      "its database holds {} sagas, {} effects, {} timers and {} events to handle again that "
      "nobody goes on with, and its outbox {} events, of which some may not be in the journal",
      work.sagas,
      work.effects,
      work.timers,
      work.postponed,
      work.events);
}

/// Whether the database of `owner` in the place `before` is the one in the place `now`, or was
/// brought there.
bool is_kept(
    const std::string& now,
    const std::string& before,
    store::database& session,
    const std::string& owner) {
  if (is_same_place(now, before, owner)) {
    return true;
  }
  const auto there = open_to_read(now, owner);
  return there && (*there)->instance() == session.instance();
}

/// How data get from one place to another while the system is stopped.
std::string_view way_between(const std::string& from, const std::string& to) {
  const bool from_server = topology::is_on_server(from);
  const bool to_server = topology::is_on_server(to);
  return from_server && to_server ? "take a backup, and bring it back with this topology"
         : to_server   ? "`troupe migrate FILE --from sqlite --to postgresql` takes them there"
         : from_server ? "`troupe migrate FILE --from postgresql --to sqlite` takes them there"
                       : "stop the system and move the file there, with its -wal";
}

/// The hosts of the databases that are in files, by their owners.
std::map<std::string, std::string> hosts_of_files(const topology::plan& plan) {
  std::map<std::string, std::string> hosts;
  for (const topology::capability_plan& each : plan.capabilities) {
    if (each.store && !topology::is_on_server(*each.store) && !each.nodes.empty()) {
      hosts[each.name.value] = plan.find(each.nodes.front())->host;
    }
  }
  const auto broker =
      std::ranges::find(plan.brokers, plan.events.broker, &topology::broker_plan::name);
  if (!plan.events.is_shared() && broker != plan.brokers.end()) {
    hosts[std::string{broker::journal_component}] = broker->host;
  }
  return hosts;
}

/// Reports the owners of files that now run on another host.
void add_other_hosts(
    std::vector<std::string>& to, const earlier_databases& earlier, const topology::plan& plan) {
  const auto now = hosts_of_files(plan);
  for (const auto& [owner, host] : earlier.hosts) {
    const auto found = now.find(owner);
    if (found != now.end() && found->second != host) {
      to.push_back(fmt::format(
          "{}: its data are in a file on the host `{}`, and by now it runs on `{}`: if that is "
          "another machine, it would begin without them; stop the system and take the file there, "
          "with its -wal",
          owner == broker::journal_component ? "the journal" : owner,
          host,
          found->second));
    }
  }
}

/// Reports a capability that now keeps its data in another place, where they are not.
void add_moved(
    std::vector<std::string>& to,
    const std::string& name,
    const std::string& store,
    const std::optional<std::string>& now,
    store::database& session) {
  const auto work = work_in(session, name);
  if (!now) {
    if (work) {
      to.push_back(fmt::format("{}: it keeps no data by now; {}", name, *work));
    }
    return;
  }
  to.push_back(fmt::format(
      "{}: it keeps its data in {} by now, and all that it has are in {}: it would begin without "
      "them; {}{}{}",
      name,
      place_text(*now, name),
      place_text(store, name),
      way_between(store, *now),
      work ? "; " : "",
      work.value_or("")));
}

/// Reports a capability that is gone. If it has no unfinished work, reports a new capability of the
/// same actor, which begins without its data.
void add_gone(
    std::vector<std::string>& to,
    const std::string& name,
    const std::string& why,
    const std::vector<std::string>& heirs,
    store::database& session) {
  if (const auto work = work_in(session, name)) {
    to.push_back(fmt::format("{}: {}; {}", name, why, *work));
    return;
  }
  for (const std::string& actor : heirs) {
    if (session.integer_of("SELECT 1 FROM schema_versions WHERE component = $1", actor)) {
      to.push_back(fmt::format(
          "{}: {}; a new capability of the actor `{}` begins without the data of `{}`",
          name,
          why,
          actor,
          name));
      return;
    }
  }
}

/// The fate of a capability that the plan lacks: which one has its database now, or what may be its
/// new name.
std::string why_gone(
    const std::string& name,
    const std::string& store,
    const earlier_databases& earlier,
    const topology::plan& plan) {
  std::string why = "it is gone";
  for (const topology::capability_plan& each : plan.capabilities) {
    if (each.store && !topology::is_on_server(store) && is_same_place(*each.store, store, name)) {
      return fmt::format(
          "it is gone, and its database is given to `{}`, which will refuse it", each.name.value);
    }
    if (each.store && !earlier.of_capabilities.contains(each.name.value)) {
      why += fmt::format(
          ", and `{}` is new (if that is its new name: its work stays where it is, "
          "so keep `{}` beside it until that is done)",
          each.name.value,
          name);
    }
  }
  return why;
}

/// The actors of the capabilities with a database that are new.
std::vector<std::string> heirs_in(const topology::plan& plan, const earlier_databases& earlier) {
  std::vector<std::string> actors;
  for (const topology::capability_plan& each : plan.capabilities) {
    if (each.store && !earlier.of_capabilities.contains(each.name.value)) {
      actors.push_back(each.actor);
    }
  }
  return actors;
}

/// Sagas and calls in hand of operations that the actor type has no more.
void add_removed_operations(
    std::vector<std::string>& to,
    const std::string& name,
    const topology::actor_type& type,
    store::database& session) {
  for (const auto& [operation, count] : counts(
           session,
           "sagas",
           "SELECT operation, count(*) FROM sagas WHERE phase IN (0, 1) GROUP BY operation")) {
    if (!has_operation(type, operation)) {
      to.push_back(fmt::format(
          "{}: {} sagas of `{}`, which `{}` has no more, are left alone",
          name,
          count,
          operation,
          type.name));
    }
  }
  for (const auto& [operation, count] : counts(
           session,
           "inbox",
           "SELECT operation, count(*) FROM inbox WHERE state = 1 GROUP BY operation")) {
    if (!has_operation(type, operation)) {
      to.push_back(fmt::format(
          "{}: {} calls of `{}`, which `{}` has no more, wait for an answer",
          name,
          count,
          operation,
          type.name));
    }
  }
}

/// Whether actors of a type declare an effect; true if this program lacks the type. Creates an
/// actor to ask it.
bool has_effect(const std::string& actor_name, const std::string& effect) {
  const auto types = registered_types();
  const auto found = std::ranges::find(types, actor_name, &actor_type::name);
  if (found == types.end()) {
    return true;
  }
  const system_clock time;
  observe::event_log log{time, actor_name, observe::log_format::text};
  const std::string nowhere;
  const config_tree no_config;
  const auto trial = found->make({actor_name, 0, nowhere, nowhere, no_config, time, log, true});
  return trial->find_effect(effect) != nullptr;
}

/// Reports running effects that the actor type no longer has.
void add_removed_effects(
    std::vector<std::string>& to,
    const std::string& name,
    const std::string& actor_name,
    store::database& session) {
  for (const auto& [effect, count] :
       counts(session, "effects", "SELECT name, count(*) FROM effects GROUP BY name")) {
    if (!has_effect(actor_name, effect)) {
      to.push_back(fmt::format(
          "{}: {} effects `{}`, which `{}` has no more, are left alone, and their callers wait "
          "for them",
          name,
          count,
          effect,
          actor_name));
    }
  }
}

/// @errors `invalid`: no database of ours; else it cannot be read.
outcome<std::string> owner_of(const std::string& file) {
  try {
    return open_to_read(store_at(file), "")
        .map([](const std::unique_ptr<store::database>& session) {
          return session->text_of("SELECT capability FROM troupe_meta").value_or("");
        });
  } catch (const store::database_error& met) {
    error why = met.to_error();
    why.message = fmt::format("{} cannot be read: {}", file, why.message);
    return failure{std::move(why)};
  }
}

/// The databases in a folder. One that cannot be read has its file name as owner, and is reported
/// later.
outcome<earlier_databases> databases_in(const std::string& folder) {
  earlier_databases found;
  std::error_code failed;
  for (fs::directory_iterator each{folder, failed}, end; !failed && each != end;
       each.increment(failed)) {
    const std::string file = each->path().string();
    if (each->path().extension() != ".db") {
      continue;
    }
    const auto owner = owner_of(file);
    if (!owner && owner.error().code == errc::invalid) {
      found.not_looked_at.push_back(owner.error().message);
    } else if (!owner) {
      found.of_capabilities[each->path().filename().string()] = store_at(file);
    } else if (*owner == broker::journal_component) {
      found.journal = store_at(file);
    } else {
      found.of_capabilities[*owner] = store_at(file);
    }
  }
  if (failed) {
    return failure{invalid(fmt::format("{} cannot be read: {}", folder, failed.message()))};
  }
  return found;
}

/// The databases that a topology names, as far as they are on this machine or on servers.
outcome<earlier_databases>
databases_named(const std::string& file, const std::vector<topology::actor_type>& types) {
  const auto read = topology::read_file(file, types);
  if (const auto* const faults = std::get_if<topology::faults>(&read)) {
    return failure{invalid(fmt::format(
        "{} has faults under these programs: {}; name the folder of its databases instead",
        file,
        faults->all.front().what))};
  }
  const auto& plan = std::get<topology::plan>(read);
  earlier_databases found;
  found.hosts = hosts_of_files(plan);
  for (const topology::capability_plan& each : plan.capabilities) {
    found.subscribes[each.name.value] = each.subscribes;
  }
  const auto is_seen = [&](const std::string& owner, const std::string& store) {
    if (!topology::is_on_server(store)) {
      const auto is_here = has_file(topology::path_in(store));
      if (!is_here) {
        found.not_looked_at.push_back(is_here.error().message);
      } else if (!*is_here) {
        found.not_looked_at.push_back(topology::path_in(store) + " is not here");
      }
      return is_here.value_or(false);
    }
    const auto opened = open_to_read(store, owner);
    if (!opened) {
      found.not_looked_at.push_back(
          fmt::format("{}: {}", place_text(store, owner), opened.error().message));
    }
    return opened.has_value();
  };
  if (is_seen(std::string{broker::journal_component}, plan.events.journal)) {
    found.journal = plan.events.journal;
  }
  for (const topology::capability_plan& each : plan.capabilities) {
    if (each.store && is_seen(each.name.value, *each.store)) {
      found.of_capabilities[each.name.value] = *each.store;
    }
  }
  return found;
}

} // namespace

bool is_topology_or_data(const std::string& what) {
  std::error_code failed;
  const std::string extension = fs::path{what}.extension();
  return fs::is_directory(what, failed) || extension == ".yaml" || extension == ".yml";
}

outcome<earlier_databases>
databases_of(const std::string& what, const std::vector<topology::actor_type>& types) {
  std::error_code failed;
  auto found = fs::is_directory(what, failed) ? databases_in(what) : databases_named(what, types);
  if (found && found->of_capabilities.empty() && found->journal.empty()) {
    return failure{invalid(fmt::format(
        "no database of {} could be looked at, so nothing is known of what would be left; name the "
        "folder where they are{}{}",
        what,
        found->not_looked_at.empty() ? "" : ": ",
        fmt::join(found->not_looked_at, "; ")))};
  }
  return found;
}

std::vector<std::string> stranded_by(
    const earlier_databases& earlier,
    const topology::plan& plan,
    const std::vector<topology::actor_type>& types) {
  std::vector<std::string> said;
  add_other_hosts(said, earlier, plan);
  for (const auto& [name, store] : earlier.of_capabilities) {
    const auto opened = open_to_read(store, name);
    if (!opened) {
      said.push_back(fmt::format("{}: {}", name, opened.error().message));
      continue;
    }
    const auto& session = *opened;
    try {
      const auto* const now = plan.find(capability_name{name});
      const auto* const type = now == nullptr ? nullptr : topology::type_named(now->actor, types);
      if (type == nullptr) {
        add_gone(
            said, name, why_gone(name, store, earlier, plan), heirs_in(plan, earlier), *session);
      } else if (!now->store || !is_kept(*now->store, store, *session, name)) {
        add_moved(said, name, store, now->store, *session);
      } else {
        add_removed_operations(said, name, *type, *session);
        add_removed_effects(said, name, now->actor, *session);
      }
    } catch (const store::database_error& met) {
      said.push_back(
          fmt::format("{}: {} cannot be read: {}", name, place_text(store, name), met.what()));
    }
  }
  if (earlier.journal.empty()) {
    return said;
  }
  const std::string owner{broker::journal_component};
  const auto journal = open_to_read(earlier.journal, owner);
  if (!journal) {
    said.push_back(fmt::format("the journal: {}", journal.error().message));
    return said;
  }
  try {
    if (!is_kept(plan.events.journal, earlier.journal, **journal, owner)) {
      said.push_back(fmt::format(
          "the journal: it is in {} by now, and the events are in {}: capabilities refuse another "
          "journal than theirs; {}",
          place_text(plan.events.journal, owner),
          place_text(earlier.journal, owner),
          way_between(earlier.journal, plan.events.journal)));
    }
    add_stranded_events(said, earlier, plan, **journal);
  } catch (const store::database_error& met) {
    said.push_back(fmt::format(
        "the journal, {}, cannot be read: {}", place_text(earlier.journal, owner), met.what()));
  }
  return said;
}

} // namespace troupe
