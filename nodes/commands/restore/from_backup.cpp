#include "nodes/commands/restore/from_backup.hpp"

#include "nodes/commands/backup/saved_bytes.hpp"
#include "nodes/commands/restore/in_use.hpp"
#include "nodes/commands/restore/to_files.hpp"
#include "nodes/commands/restore/to_schemas.hpp"
#include "nodes/commands/transfer/locked_file.hpp"
#include "runtime/store/sqlite/database.hpp"
#include "runtime/store/sqlite/online_copy.hpp"
#include "runtime/store/turn/writers.hpp"
#include "runtime/text_file.hpp"
#include "runtime/time_text.hpp"
#include "topology/store_path.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t manifest_bytes_max = 64U << 20U;

outcome<void> check_file(const saved_file& saved, const fs::path& file) {
  TROUPE_TRY(const auto digest, sha256_of(file));
  if (digest != saved.sha256) {
    return failure{invalid(fmt::format(
        "{} is not as it was saved: its SHA-256 is {}, and the manifest says {}",
        file.string(),
        digest,
        saved.sha256))};
  }
  return store::check_copy(file);
}

/// Describes the existing database, which would be lost, as far as it can be read.
std::optional<saved_file>
look_at(const outcome<std::unique_ptr<store::database>>& opened, const std::string& owner) {
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
    } else if (!is_of_gateway(owner)) {
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

/// Examines what a file of the backup would replace.
/// @errors `invalid`: a schema that must not be replaced.
outcome<void> look_at_place(returning_file& one, const topology::plan& plan, server_books* books) {
  const std::string& owner = one.saved.owner;
  if (!one.to.empty()) {
    TROUPE_CHECK(check_is_no_link(one.to.string()));
    const auto there = has_file(one.to);
    if (!there) {
      return failure{there.error()};
    }
    one.is_there = *there;
    if (one.is_there) {
      store::sqlite_options options;
      options.read_only = true;
      one.now = look_at(store::open_sqlite(one.to, options), owner);
    }
    return {};
  }
  TROUPE_CHECK(check_release(one));
  const std::string& url = one.what.store;
  try {
    const schema_content there = books->look_at(url, one.what.schema());
    TROUPE_CHECK(check_replaceable(one, there, plan.name, *books));
    one.is_there = there.tables != 0;
    if (there.instance) {
      store::postgres_options options = moving_options();
      options.read_only = true;
      one.now = look_at(store::open_postgres(url, one.what.schema(), options), owner);
    }
  } catch (const store::database_error& met) {
    return failure{met.to_error()};
  }
  return {};
}

/// The destinations of the backup's files, according to the topology.
outcome<std::vector<stored_database>>
places_of(const backup_manifest& manifest, const topology::plan& plan, const fs::path& folder) {
  auto all = stored_databases(plan);
  const auto of_gateways = gateway_databases(plan);
  all.insert(all.end(), of_gateways.begin(), of_gateways.end());
  std::vector<stored_database> found;
  for (const saved_file& each : manifest.files) {
    const auto place = std::ranges::find(all, each.owner, &stored_database::owner);
    if (place == all.end()) {
      return failure{invalid(fmt::format(
          "the backup has a database of `{}`, and in {} that has none: the topology it was taken "
          "under is {}",
          each.owner,
          plan.file,
          (folder / "topology.yaml").string()))};
    }
    found.push_back(*place);
  }
  return found;
}

} // namespace

outcome<checked_backup> check_backup(const topology::plan& plan, const fs::path& folder) {
  const auto text =
      read_text_file((folder / backup_manifest::file_name).string(), manifest_bytes_max);
  if (!text) {
    return failure{invalid(fmt::format(
        "{} has no {} ({}): it is no backup, or one that was not finished",
        folder.string(),
        backup_manifest::file_name,
        text.error().message))};
  }
  TROUPE_TRY(auto manifest, manifest_in(*text));
  if (manifest.system != plan.name) {
    return failure{invalid(fmt::format(
        "the backup is of the system `{}`, and {} describes `{}`",
        manifest.system,
        plan.file,
        plan.name))};
  }
  TROUPE_TRY(const auto places, places_of(manifest, plan, folder));
  checked_backup checked{std::move(manifest), {}, plan.name, {}};
  std::vector<std::string> urls;
  for (const stored_database& each : places) {
    if (topology::is_on_server(each.store)) {
      urls.push_back(each.store);
    }
  }
  if (!urls.empty()) {
    TROUPE_TRY(auto books, server_books::open(urls));
    TROUPE_CHECK(books.check_unused());
    checked.books.emplace(std::move(books));
  }
  for (std::size_t i = 0; i < places.size(); ++i) {
    const saved_file& each = checked.manifest.files[i];
    const stored_database& what = places[i];
    const bool is_on_server = topology::is_on_server(what.store);
    returning_file one{
        each,
        what,
        folder / each.file,
        is_on_server ? fs::path{} : fs::path{topology::path_in(what.store)}};
    if (const auto user = is_on_server ? std::nullopt : user_of(one.to.string())) {
      return failure{
          {.code = errc::unavailable,
           .message = fmt::format("{} is in use by the process {}", one.to.string(), *user)}};
    }
    TROUPE_CHECK(check_file(each, one.from));
    TROUPE_CHECK(look_at_place(one, plan, checked.books ? &*checked.books : nullptr));
    if (what.is_gateway() && one.now && one.now->instance == each.instance) {
      checked.kept.push_back(each.owner);
    } else {
      checked.files.push_back(std::move(one));
    }
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
  for (const std::string& each : backup.kept) {
    said.push_back(fmt::format(
        "{}: stays as it is: it has all the Idempotency-Keys of the backup, and newer ones", each));
  }
  said.push_back(fmt::format(
      "calls that were answered after {} are not known any more: whoever asks again under the old "
      "id is served anew. What was done outside since (charges, mails) stays done",
      utc_time_text(milliseconds{backup.manifest.taken_at})));
  if (!backup.manifest.missing.empty()) {
    said.push_back(fmt::format(
        "not in the backup, and left as they are: {}", fmt::join(backup.manifest.missing, ", ")));
  }
  return said;
}

outcome<std::vector<std::string>> bring_back(checked_backup& backup, const clock& time) {
  std::vector<std::string> aside;
  TROUPE_TRY(const auto locks, lock_folders(backup));
  TROUPE_CHECK(copy_beside(backup));
  if (backup.books) {
    if (auto filled = fill_schemas(backup, time, aside); !filled) {
      drop_copies(backup);
      return failure{std::move(filled).error()};
    }
  }
  TROUPE_CHECK(put_in_place(backup, time, aside));
  if (backup.books) {
    TROUPE_CHECK(give_schemas_free(backup));
  }
  return aside;
}

} // namespace troupe
