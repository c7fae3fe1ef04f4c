#include "nodes/commands/stranded.hpp"

#include "nodes/commands/left_behind.hpp"
#include "nodes/commands/store_reading.hpp"
#include "nodes/commands/transfer/locked_file.hpp"
#include "nodes/commands/transfer/stored_database.hpp"
#include "runtime/actor/registry.hpp"
#include "runtime/broker/journal/tables.hpp"
#include "runtime/contains.hpp"
#include "runtime/store/database.hpp"
#include "runtime/wire/events.hpp"
#include "topology/read.hpp"
#include "topology/store_path.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
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

/// Reports a capability that no longer has its database, or is gone.
void add_left(
    std::vector<std::string>& to,
    const std::string& name,
    const std::string& why,
    store::database& session) {
  const left_behind work = unfinished_work(session, name, 0);
  if (work.has_work()) {
    to.push_back(fmt::format(
        "{}: {}; its database holds {} sagas, {} effects, {} timers and {} events to handle again "
        "that nobody goes on with, and its outbox {} events, of which some may not be in the "
        "journal",
        name,
        why,
        work.sagas,
        work.effects,
        work.timers,
        work.postponed,
        work.events));
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

/// Reports sagas and pending calls of operations that the actor type no longer has.
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

/// Reports dead letters of topics to which their capability no longer subscribes.
void add_letters(
    std::vector<std::string>& to, const topology::capability_plan& now, store::database& journal) {
  const auto gets = [&](const std::string& topic) {
    return wire::matches_any(now.subscribes, topic);
  };
  journal.query(
      "SELECT topic, count(*) FROM dead_letters WHERE capability = $1 GROUP BY topic",
      [&](const store::row& row) {
        const std::string topic{row.text(0)};
        if (!gets(topic)) {
          to.push_back(fmt::format(
              "{}: it gets no events `{}` any more, and {} dead letters of them stay; `troupe "
              "dead-letters retry --all --topic {} --to NAME` gives them to another",
              now.name.value,
              topic,
              row.integer(1),
              topic));
        }
      },
      now.name.value);
}

void add_journal(
    std::vector<std::string>& to, const topology::plan& plan, store::database& journal) {
  for (const auto& [name, count] : counts(
           journal,
           "dead_letters",
           "SELECT capability, count(*) FROM dead_letters GROUP BY capability")) {
    if (const auto* const now = plan.find(capability_name{name}); now != nullptr) {
      add_letters(to, *now, journal);
    } else {
      to.push_back(fmt::format(
          "{}: it is gone, with {} dead letters; `troupe dead-letters retry FILE --all "
          "--capability "
          "{} --to NAME` gives them to another",
          name,
          count,
          name));
    }
  }
  for (const auto& [name, position] :
       counts(journal, "cursors", "SELECT capability, 0 FROM cursors")) {
    const auto* const now = plan.find(capability_name{name});
    if (now == nullptr || now->subscribes.empty()) {
      to.push_back(fmt::format(
          "{}: it subscribes to nothing any more; events that it had not handled stay unhandled",
          name));
    }
  }
}

/// @errors `invalid`: not a database of Troupe; other codes: it cannot be read.
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
        add_left(said, name, why_gone(name, store, earlier, plan), *session);
      } else if (!now->store || !is_same_place(*now->store, store, name)) {
        add_left(
            said,
            name,
            fmt::format("it keeps its data in {} by now", now->store.value_or("nothing")),
            *session);
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
    add_journal(said, plan, **journal);
  } catch (const store::database_error& met) {
    said.push_back(fmt::format(
        "the journal, {}, cannot be read: {}", place_text(earlier.journal, owner), met.what()));
  }
  return said;
}

} // namespace troupe
