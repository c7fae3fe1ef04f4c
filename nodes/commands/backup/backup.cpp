#include "nodes/commands/backup/backup.hpp"

#include "nodes/commands/backup/manifest.hpp"
#include "nodes/commands/backup/saved_bytes.hpp"
#include "nodes/commands/backup/server_moment.hpp"
#include "nodes/commands/left_behind.hpp"
#include "nodes/commands/plan_file.hpp"
#include "nodes/commands/transfer/locked_file.hpp"
#include "nodes/commands/transfer/new_file.hpp"
#include "nodes/commands/transfer/stored_database.hpp"
#include "nodes/text_table.hpp"
#include "runtime/clock.hpp"
#include "runtime/config.hpp"
#include "runtime/contains.hpp"
#include "runtime/descriptor.hpp"
#include "runtime/fault_point.hpp"
#include "runtime/store/sqlite/online_copy.hpp"
#include "runtime/store/sqlite/turnstile.hpp"
#include "runtime/store/turn/subscriptions.hpp"
#include "runtime/store/turn/writers.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/json.hpp"
#include "topology/read.hpp"
#include "topology/store_path.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <iterator>
#include <memory>
#include <optional>
#include <variant>

namespace troupe {

namespace {

namespace fs = std::filesystem;

// A writer's turn takes milliseconds; a stalled writer is killed by the others after its limit.
constexpr milliseconds lock_patience{30'000};

// How long locks may be held while the next one is awaited. It must be shorter than the time after
// which other writers take the holder for stalled, and kill it.
constexpr milliseconds held_max{1'000};

// Attempts to find a common moment. An attempt fails if writers that waited too long have continued
// meanwhile.
constexpr int moment_tries = 3;

struct backup_arguments {
  std::string file;
  std::string folder;
  bool json = false;
};

/// A database file to copy, and its state at the moment of the backup.
struct source {
  std::string owner;
  std::string path;
  std::optional<store::online_copy> moment;
};

/// All databases of a system.
struct backup_sources {
  std::vector<source> files;
  source journal{backup_manifest::journal_owner, {}, {}};
  /// The gateways' key books. They are opened after all others, so that they contain the key of
  /// every call that the backup contains.
  std::vector<source> keys;
  std::vector<stored_database> on_server;
  /// Databases that existed here and are gone.
  std::vector<std::string> lost;
};

bool is_among(const std::vector<std::string>& all, const std::string& one) {
  return contains(all, one);
}

/// Takes the writers' locks of all files. A process that keeps one of them long delays this
/// command, but not the writers of other files.
outcome<std::vector<store::turnstile>> lock_all(const std::vector<source>& files) {
  const system_clock time;
  const instant until = time.now() + lock_patience;
  const auto lock = [&](const source& which, instant end) -> outcome<store::turnstile> {
    const auto left = std::chrono::duration_cast<milliseconds>(std::min(end, until) - time.now());
    auto gate = store::turnstile::open(which.path);
    if (!gate) {
      return gate;
    }
    if (auto done = gate->lock(std::max(left, milliseconds{0})); !done) {
      return failure{std::move(done).error()};
    }
    return gate;
  };
  std::vector<store::turnstile> locked;
  instant held_until = until;
  while (locked.size() < files.size()) {
    const source& next = files[locked.size()];
    auto gate = lock(next, held_until);
    if (gate) {
      held_until = locked.empty() ? time.now() + held_max : held_until;
      locked.push_back(std::move(*gate));
      continue;
    }
    if (gate.error().code != errc::unavailable || time.now() >= until) {
      return failure{std::move(gate).error()};
    }
    locked.clear();
    held_until = until;
    if (const auto free = lock(next, until); !free) {
      return failure{free.error()};
    }
  }
  return locked;
}

/// Opens all databases at one moment, at which no capability can commit. The journal comes last: it
/// then has no event that is missing from the outboxes, and lacks none that they have as confirmed.
///
/// The contents of one PostgreSQL database are consistent by themselves.
/// @return nothing if a capability may have committed meanwhile.
outcome<std::optional<server_moment>> try_moment(backup_sources& all, const std::string& system) {
  const bool is_one_place = all.files.empty() && all.journal.path.empty();
  auto& files = all.files;
  std::ranges::sort(files, [](const source& one, const source& other) {
    return one.path < other.path; // All backups take the locks in the same order.
  });
  TROUPE_TRY(const auto locked, lock_all(files));
  TROUPE_TRY(auto on_server, server_moment::take(all.on_server, system, is_one_place));
  TROUPE_FAULT("backup.looked");
  const auto open = [](source& each) -> outcome<void> {
    TROUPE_TRY(auto moment, store::online_copy::open(each.path));
    each.moment.emplace(std::move(moment));
    return {};
  };
  for (source& each : files) {
    TROUPE_CHECK(open(each));
  }
  if (!all.journal.path.empty()) {
    TROUPE_CHECK(open(all.journal));
  }
  if (!on_server.let_go()) {
    return std::optional<server_moment>{};
  }
  for (source& each : all.keys) {
    TROUPE_CHECK(open(each));
  }
  return std::optional{std::move(on_server)};
}

outcome<server_moment> take_moment(backup_sources& all, const std::string& system) {
  for (int i = 0; i < moment_tries; ++i) {
    TROUPE_TRY(auto taken, try_moment(all, system));
    if (taken) {
      return std::move(*taken);
    }
  }
  return failure{
      {.code = errc::unavailable,
       .message = fmt::format(
           "there was no moment at which no capability could commit, {} times: the lock of one was "
           "waited for so long that the writers of another one ended this command's session, and "
           "went on. `troupe status` says whose database is slow",
           moment_tries)}};
}

/// Fills in the manifest's entry of a capability's database.
void describe(store::database& session, saved_file& to) {
  store::outbox outbox{session};
  to.outbox_newest = outbox.newest().first;
  to.outbox_confirmed = outbox.mark().confirmed;
  store::subscriptions known{session};
  to.handled = known.highest();
  to.epoch = known.highest_epoch();
  const left_behind unfinished =
      unfinished_work(session, to.owner, static_cast<std::int64_t>(to.outbox_confirmed));
  to.sagas = unfinished.sagas;
  to.effects = unfinished.effects;
  to.timers = unfinished.timers;
  to.postponed = unfinished.postponed;
}

void describe_journal(store::database& session, saved_file& to) {
  to.last = static_cast<std::uint64_t>(
      session.integer_of("SELECT max(position) FROM events").value_or(0));
  to.generation =
      static_cast<std::uint64_t>(session.integer_of("SELECT generation FROM journal").value_or(0));
}

/// The manifest's entry of a database, without the properties of its file.
saved_file described(store::database& session, const std::string& owner) {
  saved_file one;
  one.owner = owner;
  one.file = owner + ".db";
  one.instance = session.instance();
  if (owner == backup_manifest::journal_owner) {
    describe_journal(session, one);
  } else if (!is_of_gateway(owner)) {
    describe(session, one);
  }
  return one;
}

outcome<saved_file> with_digest(saved_file one, const fs::path& folder) {
  TROUPE_TRY(one.sha256, sha256_of(folder / one.file));
  one.bytes = fs::file_size(folder / one.file);
  return one;
}

/// Copies a schema into a file, and compares the two.
outcome<saved_file> save(
    const stored_database& what, server_moment& moment, const fs::path& folder, const clock& time) {
  saved_file one;
  const auto look = [&](store::database& session) { one = described(session, what.owner); };
  TROUPE_CHECK(fill_new_file(
      {what, moment.space_of(what), (folder / (what.owner + ".db")).string(), look}, time));
  return with_digest(std::move(one), folder);
}

outcome<saved_file> save(source& from, const fs::path& folder) {
  saved_file one;
  try {
    one = described(from.moment->session(), from.owner);
  } catch (const store::database_error& met) {
    return failure{met.to_error()};
  }
  const fs::path to = folder / one.file;
  TROUPE_CHECK(from.moment->write(to));
  from.moment.reset(); // Ends the snapshot, so that the WAL can be copied back.
  return with_digest(std::move(one), folder);
}

/// The databases of a topology: those on this machine, and those `missing` here.
outcome<backup_sources>
find_sources(const topology::plan& plan, std::vector<std::string>& missing) {
  backup_sources found;
  std::vector<stored_database> on_server;
  std::vector<stored_database> all = stored_databases(plan);
  for (stored_database& each : gateway_databases(plan)) {
    all.push_back(std::move(each));
  }
  for (stored_database& each : all) {
    if (topology::is_on_server(each.store)) {
      on_server.push_back(std::move(each));
      continue;
    }
    TROUPE_TRY(const bool is_here, has_file(topology::path_in(each.store)));
    if (!is_here) {
      missing.push_back(each.owner);
      if (lost_database(topology::path_in(each.store))) {
        found.lost.push_back(each.owner);
      }
    } else if (each.is_journal()) {
      found.journal.path = topology::path_in(each.store);
    } else {
      (each.is_gateway() ? found.keys : found.files)
          .push_back({each.owner, topology::path_in(each.store), {}});
    }
  }
  TROUPE_TRY(found.on_server, made_schemas(std::move(on_server), plan.name, missing));
  return found;
}

outcome<backup_manifest>
back_up(const topology::plan& plan, const std::string& text, const fs::path& folder) {
  const system_clock time;
  backup_manifest manifest;
  manifest.system = plan.name;
  TROUPE_TRY(auto sources, find_sources(plan, manifest.missing));
  TROUPE_TRY(auto moment, take_moment(sources, plan.name));
  manifest.taken_at = unix_millis(time.wall());
  manifest.lost = std::move(sources.lost);
  if (sources.journal.moment) {
    sources.files.push_back(std::move(sources.journal));
  }
  std::move(sources.keys.begin(), sources.keys.end(), std::back_inserter(sources.files));
  const auto keep = [&](outcome<saved_file> saved) -> outcome<void> {
    if (!saved) {
      return failure{std::move(saved).error()};
    }
    manifest.files.push_back(std::move(*saved));
    return {};
  };
  for (source& each : sources.files) {
    TROUPE_CHECK(keep(save(each, folder)));
  }
  for (const stored_database& each : sources.on_server) {
    TROUPE_CHECK(keep(save(each, moment, folder, time)));
  }
  if (manifest.files.empty()) {
    return failure{
        invalid("none of the topology's databases is on this machine, or on its server")};
  }
  TROUPE_CHECK(write_synced(folder / "topology.yaml", text));
  // Written last: a folder without a manifest is not a backup.
  TROUPE_CHECK(write_synced(folder / backup_manifest::file_name, text_of(manifest)));
  sync_folder(folder);
  return manifest;
}

int run(const backup_arguments& given) {
  const auto text = topology::read_text(given.file);
  TROUPE_TRY_EXIT(const auto plan, load_plan(given.file, given.json));
  std::error_code failed;
  fs::create_directories(given.folder, failed);
  if (failed || !fs::is_empty(given.folder, failed)) {
    return print_error(
        invalid(fmt::format(
            "{} {}",
            given.folder,
            failed ? "cannot be made: " + failed.message() : "is not empty")),
        given.json,
        "name a new folder");
  }
  const auto done = back_up(plan, std::get<std::string>(text), given.folder);
  if (!done) {
    return print_error(
        done.error(),
        given.json,
        "delete the folder, which is not a complete backup, and try again");
  }
  if (given.json) {
    fmt::print(
        "{}\n",
        wire::json_object{}
            .add("folder", given.folder)
            .add("taken_at", utc_time_text(milliseconds{done->taken_at}))
            .add("files", done->files.size())
            .add("missing", done->missing)
            .add("lost", done->lost)
            .text());
    return done->lost.empty() ? exit_code::ok : exit_code::error;
  }
  fmt::print(
      "{} as of {}, in {}:\n",
      done->system,
      utc_time_text(milliseconds{done->taken_at}),
      given.folder);
  for (const saved_file& each : done->files) {
    fmt::print("  {}  {}\n", each.file, size_text(each.bytes));
  }
  std::vector<std::string> elsewhere;
  std::ranges::copy_if(done->missing, std::back_inserter(elsewhere), [&](const std::string& each) {
    return !is_among(done->lost, each);
  });
  if (!elsewhere.empty()) {
    fmt::print(
        "not on this machine, or not made yet, so not in it: {}\n"
        "  next: run this where they are, too\n",
        fmt::join(elsewhere, ", "));
  }
  if (!done->lost.empty()) {
    print_aside(fmt::format(
        "gone from this machine, so not in it: {}\n"
        "  next: keep the backup before this one, which may have them; put the files back, or "
        "`troupe restore {} --from FOLDER` with that\n",
        fmt::join(done->lost, ", "),
        shell_word(given.file)));
    return exit_code::error;
  }
  return exit_code::ok;
}

} // namespace

void add_backup(command_line& line) {
  const auto given = std::make_shared<backup_arguments>();
  line.add(
          "backup", "Copies the journal and all databases, as of one moment, while the system runs")
      .word("FILE", given->file, "the topology")
      .word("FOLDER", given->folder, "where the copies go; created if missing")
      .flag("--json", given->json, "one JSON object instead of text")
      .footer(with_exit_codes("`troupe restore FILE --from FOLDER` restores it. Also ends with 4 "
                              "if a database that was here is gone: the others are in FOLDER."))
      .runs([given] { return run(*given); });
}

} // namespace troupe
