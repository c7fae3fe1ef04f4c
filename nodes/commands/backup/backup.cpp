#include "nodes/commands/backup/backup.hpp"

#include "nodes/commands/backup/manifest.hpp"
#include "nodes/commands/backup/saved_bytes.hpp"
#include "nodes/commands/databases_on_server.hpp"
#include "nodes/commands/left_behind.hpp"
#include "nodes/commands/plan_file.hpp"
#include "runtime/clock.hpp"
#include "runtime/config.hpp"
#include "runtime/store/sqlite/online_copy.hpp"
#include "runtime/store/sqlite/turnstile.hpp"
#include "runtime/store/turn/subscriptions.hpp"
#include "runtime/store/turn/writers.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/json.hpp"
#include "topology/read.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <variant>

namespace troupe {

namespace {

namespace fs = std::filesystem;

// A writer's turn takes milliseconds; one that stands still is killed by the others after its
// limit.
constexpr milliseconds lock_patience{30'000};

struct backup_arguments {
  std::string file;
  std::string folder;
  bool json = false;
};

/// A database that is to be copied, and where it was at the moment of the backup.
struct source {
  std::string owner;
  std::string path;
  std::optional<store::online_copy> moment;
};

std::string path_of(const std::string& store) {
  return store.substr(store.find(':') + 1);
}

bool has_file(const std::string& path) {
  std::error_code failed;
  return fs::exists(path, failed);
}

/// Opens all databases at one moment: while no capability can commit. The journal goes last: it has
/// no event that is not in an outbox here, and no confirmation that it has not.
outcome<void> take_moment(std::vector<source>& all, source& journal) {
  std::sort(all.begin(), all.end(), [](const source& one, const source& other) {
    return one.path < other.path; // All backups take the locks in one order.
  });
  std::vector<store::turnstile> locked;
  for (const source& each : all) {
    auto gate = store::turnstile::open(each.path);
    if (!gate) {
      return failure{std::move(gate).error()};
    }
    if (auto done = gate->lock(lock_patience); !done) {
      return done;
    }
    locked.push_back(std::move(*gate));
  }
  const auto open = [](source& each) -> outcome<void> {
    auto moment = store::online_copy::open(each.path);
    if (!moment) {
      return failure{std::move(moment).error()};
    }
    each.moment.emplace(std::move(*moment));
    return {};
  };
  for (source& each : all) {
    if (auto opened = open(each); !opened) {
      return opened;
    }
  }
  return has_file(journal.path) ? open(journal) : outcome<void>{};
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

outcome<saved_file> save(source& from, const fs::path& folder) {
  saved_file one;
  one.owner = from.owner;
  one.file = from.owner + ".db";
  store::database& session = from.moment->session();
  try {
    one.instance = session.instance();
    if (from.owner == backup_manifest::journal_owner) {
      describe_journal(session, one);
    } else {
      describe(session, one);
    }
  } catch (const store::database_error& met) {
    return failure{met.to_error()};
  }
  const fs::path to = folder / one.file;
  if (auto written = from.moment->write(to); !written) {
    return failure{std::move(written).error()};
  }
  from.moment.reset(); // So that its WAL can be copied back.
  auto digest = sha256_of(to);
  if (!digest) {
    return failure{std::move(digest).error()};
  }
  one.sha256 = std::move(*digest);
  one.bytes = fs::file_size(to);
  return one;
}

outcome<backup_manifest>
back_up(const topology::plan& plan, const std::string& text, const fs::path& folder) {
  if (auto files = check_all_files(plan, "back them up"); !files) {
    return failure{std::move(files).error()};
  }
  backup_manifest manifest;
  manifest.system = plan.name;
  std::vector<source> databases;
  for (const topology::capability_plan& each : plan.capabilities) {
    if (!each.store) {
      continue;
    }
    if (has_file(path_of(*each.store))) {
      databases.push_back({each.name.value, path_of(*each.store), {}});
    } else {
      manifest.missing.push_back(each.name.value);
    }
  }
  source journal{backup_manifest::journal_owner, path_of(plan.events.journal), {}};
  if (auto taken = take_moment(databases, journal); !taken) {
    return failure{std::move(taken).error()};
  }
  manifest.taken_at = unix_millis(system_clock{}.wall());
  if (journal.moment) {
    databases.push_back(std::move(journal));
  } else {
    manifest.missing.emplace_back(backup_manifest::journal_owner);
  }
  if (databases.empty()) {
    return failure{invalid("none of the topology's databases is on this machine")};
  }
  for (source& each : databases) {
    auto saved = save(each, folder);
    if (!saved) {
      return failure{std::move(saved).error()};
    }
    manifest.files.push_back(std::move(*saved));
  }
  if (auto written = write_synced(folder / "topology.yaml", text); !written) {
    return failure{std::move(written).error()};
  }
  // Last: a folder without it is no backup.
  if (auto written = write_synced(folder / backup_manifest::file_name, text_of(manifest));
      !written) {
    return failure{std::move(written).error()};
  }
  sync_folder(folder);
  return manifest;
}

int run(const backup_arguments& given) {
  const auto text = topology::read_text(given.file);
  const auto plan = load_plan(given.file, given.json);
  if (!plan) {
    return plan.error();
  }
  std::error_code failed;
  fs::create_directories(given.folder, failed);
  if (failed || !fs::is_empty(given.folder, failed)) {
    return print_error(
        invalid(fmt::format(
            "{} {}",
            given.folder,
            failed ? "cannot be made: " + failed.message() : "is not empty")),
        given.json,
        "name a folder that is new");
  }
  const auto done = back_up(*plan, std::get<std::string>(text), given.folder);
  if (!done) {
    return print_error(
        done.error(), given.json, "delete the folder, which is no backup yet, and try again");
  }
  if (given.json) {
    fmt::print(
        "{}\n",
        wire::json_object{}
            .add("folder", given.folder)
            .add("taken_at", utc_time_text(time_since_1970(milliseconds{done->taken_at})))
            .add("files", done->files.size())
            .add("missing", done->missing)
            .text());
    return exit_code::ok;
  }
  fmt::print(
      "{} as of {}, in {}:\n",
      done->system,
      utc_time_text(time_since_1970(milliseconds{done->taken_at})),
      given.folder);
  for (const saved_file& each : done->files) {
    fmt::print("  {}  {}\n", each.file, size_text(each.bytes));
  }
  if (!done->missing.empty()) {
    fmt::print(
        "not on this machine, so not in it: {}\n  next: run this where they are, too\n",
        fmt::join(done->missing, ", "));
  }
  return exit_code::ok;
}

} // namespace

void add_backup(command_line& line) {
  const auto given = std::make_shared<backup_arguments>();
  line.add("backup", "Copies the journal and all databases, at one moment, while the system runs")
      .word("FILE", given->file, "the topology")
      .word("FOLDER", given->folder, "where the copies go; made if it is not there")
      .flag("--json", given->json, "one JSON object instead of text")
      .footer(with_exit_codes("`troupe restore FILE --from FOLDER` brings it back."))
      .runs([given] { return run(*given); });
}

} // namespace troupe
