#include "nodes/commands/restore/from_backup.hpp"

#include "nodes/commands/backup/saved_bytes.hpp"
#include "nodes/commands/restore/in_use.hpp"
#include "runtime/store/sqlite/database.hpp"
#include "runtime/store/sqlite/online_copy.hpp"
#include "runtime/store/turn/writers.hpp"
#include "runtime/time_text.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <system_error>

namespace troupe {

namespace {

namespace fs = std::filesystem;

std::optional<fs::path> place_of(const topology::plan& plan, const std::string& owner) {
  const auto path_of = [](const std::string& store) { return store.substr(store.find(':') + 1); };
  if (owner == backup_manifest::journal_owner) {
    return path_of(plan.events.journal);
  }
  const auto* const capability = plan.find(capability_name{owner});
  return capability == nullptr || !capability->store ? std::nullopt
                                                     : std::optional{path_of(*capability->store)};
}

outcome<void> check_file(const saved_file& saved, const fs::path& file) {
  const auto digest = sha256_of(file);
  if (!digest) {
    return failure{digest.error()};
  }
  if (*digest != saved.sha256) {
    return failure{invalid(fmt::format(
        "{} is not as it was saved: its SHA-256 is {}, and the manifest says {}",
        file.string(),
        *digest,
        saved.sha256))};
  }
  return store::check_copy(file);
}

/// Describes the database that is there now, and would be lost, as far as it can be read.
std::optional<saved_file> look_at(const std::string& owner, const fs::path& path) {
  store::sqlite_options options;
  options.read_only = true;
  const auto opened = store::open_sqlite(path, options);
  if (!opened) {
    return std::nullopt;
  }
  store::database& session = **opened;
  saved_file now;
  now.owner = owner;
  try {
    now.instance = session.instance();
    if (owner == backup_manifest::journal_owner) {
      now.last = static_cast<std::uint64_t>(
          session.integer_of("SELECT max(position) FROM events").value_or(0));
    } else {
      now.outbox_newest = store::outbox{session}.newest().first;
    }
  } catch (const store::database_error&) {
    return std::nullopt;
  }
  return now;
}

std::uint64_t more(std::uint64_t now, std::uint64_t then) {
  return now - std::min(now, then);
}

} // namespace

outcome<checked_backup> check_backup(const topology::plan& plan, const fs::path& folder) {
  std::ifstream stream{folder / backup_manifest::file_name, std::ios::binary};
  if (!stream) {
    return failure{invalid(fmt::format(
        "{} has no {}: it is no backup, or one that was not finished",
        folder.string(),
        backup_manifest::file_name))};
  }
  auto manifest = manifest_in(std::string{std::istreambuf_iterator<char>{stream}, {}});
  if (!manifest) {
    return failure{std::move(manifest).error()};
  }
  if (manifest->system != plan.name) {
    return failure{invalid(fmt::format(
        "the backup is of the system `{}`, and {} describes `{}`",
        manifest->system,
        plan.file,
        plan.name))};
  }
  checked_backup checked{std::move(*manifest), {}};
  for (const saved_file& each : checked.manifest.files) {
    const auto to = place_of(plan, each.owner);
    if (!to) {
      return failure{invalid(fmt::format(
          "the backup has a database of `{}`, and in {} that has none: the topology it was taken "
          "under is {}",
          each.owner,
          plan.file,
          (folder / "topology.yaml").string()))};
    }
    if (const auto user = user_of(to->string())) {
      return failure{
          {.code = errc::unavailable,
           .message = fmt::format("{} is in use by the process {}", to->string(), *user)}};
    }
    if (auto good = check_file(each, folder / each.file); !good) {
      return failure{std::move(good).error()};
    }
    std::error_code failed;
    returning_file one{each, folder / each.file, *to, {}, fs::exists(*to, failed)};
    if (one.is_there) {
      one.now = look_at(each.owner, *to);
    }
    checked.files.push_back(std::move(one));
  }
  return checked;
}

std::vector<std::string> consequences_of(const checked_backup& backup) {
  std::vector<std::string> said;
  for (const returning_file& each : backup.files) {
    const std::string& owner = each.saved.owner;
    if (!each.is_there) {
      said.push_back(fmt::format("{}: comes back; there is none now", owner));
    } else if (!each.now) {
      said.push_back(
          fmt::format("{}: takes the place of one that cannot be read, which is put aside", owner));
    } else if (each.now->instance != each.saved.instance) {
      said.push_back(fmt::format(
          "{}: takes the place of another database, which is put aside with all it holds", owner));
    } else if (owner == backup_manifest::journal_owner) {
      said.push_back(fmt::format(
          "journal: goes back to position {}; {} newer events are lost with the one that is put "
          "aside",
          each.saved.last,
          more(each.now->last, each.saved.last)));
    } else {
      said.push_back(fmt::format(
          "{}: all that was done since is lost with the one that is put aside, and with it {} "
          "events that it published",
          owner,
          more(each.now->outbox_newest, each.saved.outbox_newest)));
    }
    if (each.saved.sagas + each.saved.effects + each.saved.timers + each.saved.postponed > 0) {
      said.push_back(fmt::format(
          "{}: goes on with {} sagas, {} effects, {} timers and {} events to handle again; effects "
          "are asked for under their old keys, so that a provider that knows them does nothing "
          "twice",
          owner,
          each.saved.sagas,
          each.saved.effects,
          each.saved.timers,
          each.saved.postponed));
    }
  }
  said.push_back(fmt::format(
      "calls that were answered after {} are not known any more: whoever asks again under the old "
      "id is served anew. What was done outside since (charges, mails) stays done",
      utc_time_text(time_since_1970(milliseconds{backup.manifest.taken_at}))));
  if (!backup.manifest.missing.empty()) {
    said.push_back(fmt::format(
        "not in the backup, and left as they are: {}", fmt::join(backup.manifest.missing, ", ")));
  }
  return said;
}

outcome<std::vector<std::string>>
bring_back(const checked_backup& backup, const std::string& time) {
  constexpr std::array<std::string_view, 5> parts{"", "-wal", "-shm", ".lock", ".next"};
  std::vector<std::string> aside;
  for (const returning_file& each : backup.files) {
    const fs::path folder = each.to.parent_path().empty() ? "." : each.to.parent_path();
    const fs::path old = folder / ("before-restore-" + time);
    std::error_code failed;
    fs::create_directories(each.is_there ? old : folder, failed);
    for (const std::string_view part : parts) {
      const fs::path from = each.to.string() + std::string{part};
      if (!failed && fs::exists(from, failed)) {
        fs::rename(from, old / from.filename(), failed);
      }
    }
    if (failed) {
      return failure{internal_error(
          fmt::format("cannot put {} aside: {}", each.to.string(), failed.message()))};
    }
    if (auto copied = copy_synced(each.from, each.to); !copied) {
      return failure{std::move(copied).error()};
    }
    sync_folder(folder);
    if (each.is_there && std::find(aside.begin(), aside.end(), old.string()) == aside.end()) {
      aside.push_back(old.string());
    }
  }
  return aside;
}

} // namespace troupe
