#include "nodes/commands/left_behind.hpp"

#include "runtime/broker/journal/tables.hpp"
#include "runtime/store/sqlite/database.hpp"
#include "topology/store_path.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <map>
#include <memory>
#include <set>
#include <string_view>
#include <system_error>

namespace troupe {

namespace {

namespace fs = std::filesystem;

fs::path same_for_all(const fs::path& path) {
  std::error_code failed;
  auto whole = fs::weakly_canonical(path, failed);
  return failed ? path : whole;
}

std::unique_ptr<store::database> open_to_read(const std::string& path) {
  store::sqlite_options options;
  options.read_only = true;
  auto opened = store::open_sqlite(path, options);
  return opened ? std::move(*opened) : nullptr;
}

std::uint64_t
count(store::database& session, std::string_view table, const std::string& where = "1 = 1") {
  if (!session.has_table(table)) {
    return 0;
  }
  return static_cast<std::uint64_t>(
      session.integer_of(fmt::format("SELECT count(*) FROM {} WHERE {}", table, where))
          .value_or(0));
}

/// The highest outbox number of a database that the journal has.
std::int64_t journaled(store::database* journal, const std::string& owner, const uuid& instance) {
  if (journal == nullptr || !journal->has_table("sources")) {
    return 0;
  }
  return journal
      ->integer_of(
          "SELECT taken FROM sources WHERE capability = $1 AND instance = $2", owner, instance)
      .value_or(0);
}

/// The contents of a journal that brokers no longer use.
left_behind unused_journal(store::database& session, std::string owner) {
  left_behind found;
  found.capability = std::move(owner);
  found.events = count(session, "events");
  found.timers = count(session, "scheduled");
  found.postponed = count(session, "dead_letters");
  return found;
}

/// Whether this topology keeps the data of a file's owner on a server.
bool is_served(const topology::plan& plan, const std::string& owner) {
  if (owner == broker::journal_component) {
    return plan.events.is_shared();
  }
  const auto* const capability = plan.find(capability_name{owner});
  return capability != nullptr && capability->store && topology::is_on_server(*capability->store);
}

/// Where the owner of a file keeps its data in this topology, if nothing is there yet.
std::string empty_place_of(const topology::plan& plan, const std::string& owner) {
  const auto* const capability = plan.find(capability_name{owner});
  const std::string store = owner == broker::journal_component ? plan.events.journal
                            : capability != nullptr            ? capability->store.value_or("")
                                                               : "";
  std::error_code failed;
  return store.empty() || topology::is_on_server(store)
                 || fs::exists(topology::path_in(store), failed) || failed
             ? std::string{}
             : topology::path_in(store);
}

} // namespace

left_behind unfinished_work(store::database& session, std::string owner, std::int64_t taken) {
  left_behind found;
  found.capability = std::move(owner);
  found.events = count(session, "outbox", fmt::format("seq > {}", taken));
  found.timers = count(session, "timers");
  found.effects = count(session, "effects");
  found.sagas = count(session, "sagas", "phase IN (0, 1)");
  found.postponed = count(session, "postponed", "dead = 0 AND partition >= 0");
  return found;
}

std::vector<left_behind> find_left_behind(const topology::plan& plan) {
  // A journal on a server has no file; its records of outboxes are not read.
  const std::string journal_path =
      plan.events.is_shared() ? std::string{} : topology::path_in(plan.events.journal);
  std::map<fs::path, std::string> owners;
  std::set<fs::path> folders;
  if (!journal_path.empty()) {
    folders.insert(same_for_all(fs::path{journal_path}.parent_path()));
  }
  for (const topology::capability_plan& each : plan.capabilities) {
    if (each.store && !topology::is_on_server(*each.store)) {
      const fs::path file = same_for_all(topology::path_in(*each.store));
      owners.emplace(file, each.name.value);
      folders.insert(file.parent_path());
    }
  }
  const bool has_server =
      plan.events.is_shared() || std::ranges::any_of(plan.capabilities, [](const auto& each) {
        return each.store && topology::is_on_server(*each.store);
      });
  if (has_server) {
    folders.insert(same_for_all(fs::path{plan.folder} / "data"));
  }
  std::error_code failed;
  const fs::path own_journal = journal_path.empty() ? fs::path{} : same_for_all(journal_path);
  const auto journal = fs::exists(journal_path, failed) ? open_to_read(journal_path) : nullptr;
  std::vector<left_behind> all;
  for (const fs::path& folder : folders) {
    for (const auto& entry : fs::directory_iterator{folder, failed}) {
      const fs::path file = same_for_all(entry.path());
      if (file.extension() != ".db" || file == own_journal) {
        continue;
      }
      try {
        const auto session = open_to_read(file.string());
        auto owner =
            session ? session->text_of("SELECT capability FROM troupe_meta") : std::nullopt;
        const auto expected = owners.find(file);
        if (!owner || (expected != owners.end() && expected->second == *owner)) {
          continue;
        }
        left_behind found =
            *owner == broker::journal_component && plan.events.is_shared()
                ? unused_journal(*session, *owner)
                : unfinished_work(
                    *session, *owner, journaled(journal.get(), *owner, session->instance()));
        found.is_from_before_server = is_served(plan, *owner);
        found.file = entry.path().string();
        found.empty_place = empty_place_of(plan, *owner);
        if (found.has_work() || !found.empty_place.empty()) {
          all.push_back(std::move(found));
        }
      } catch (const store::database_error&) {
        continue;
      }
    }
  }
  std::ranges::sort(all, {}, &left_behind::file);
  return all;
}

std::string text_of(const std::vector<left_behind>& all, const std::string& file) {
  std::string text;
  for (const left_behind& each : all) {
    if (each.is_from_before_server) {
      text += each.capability == broker::journal_component
                  ? fmt::format(
                      "\nleft behind: {} is a journal with {} events, {} for later and {} dead "
                      "letters, which nobody gets\n",
                      each.file,
                      each.events,
                      each.timers,
                      each.postponed)
                  : fmt::format(
                      "\nleft behind: {} is of the capability `{}`\n", each.file, each.capability);
      text += fmt::format(
          "    by this topology its data are on a server: `troupe migrate {} --from sqlite --to "
          "postgresql` moves them there while the system is stopped, unless the system has already "
          "started there without them\n",
          file);
      continue;
    }
    if (!each.empty_place.empty()) {
      text += fmt::format(
          "\nleft behind: {} has the data of {}, and by this topology they are in {}, where there "
          "are "
          "none yet\n    it would begin without them: stop the system and move the file there, "
          "with "
          "its -wal\n",
          each.file,
          each.capability == broker::journal_component ? "the journal"
                                                       : fmt::format("`{}`", each.capability),
          each.empty_place);
      continue;
    }
    text += fmt::format(
        "\nleft behind: {} belongs to the capability `{}`, which does not use it in this topology\n"
        "    events that have not left: {}; for later: {}; effects: {}; sagas: {}; events to "
        "handle "
        "again: {}\n"
        "    nothing of it is lost and nobody goes on with it: give `{}` its name and this file "
        "back "
        "until it is done\n",
        each.file,
        each.capability,
        each.events,
        each.timers,
        each.effects,
        each.sagas,
        each.postponed,
        each.capability);
  }
  return text;
}

} // namespace troupe
