#include "runtime/store/sqlite/database.hpp"

#include "runtime/contains.hpp"
#include "runtime/descriptor.hpp"
#include "runtime/store/sqlite/database_files.hpp"
#include "runtime/store/sqlite/session.hpp"
#include "runtime/store/sqlite/setup.hpp"
#include "runtime/store/sqlite/turnstile.hpp"
#include "runtime/store/sqlite/wal_check.hpp"
#include "runtime/time_text.hpp"

#include <array>
#include <filesystem>
#include <fmt/format.h>
#include <optional>
#include <sys/vfs.h>
#include <system_error>
#include <utility>

namespace troupe::store {

namespace {

namespace fs = std::filesystem;

constexpr const char* make_meta = "CREATE TABLE troupe_meta ("
                                  "one INTEGER PRIMARY KEY CHECK (one = 1), "
                                  "capability TEXT NOT NULL, "
                                  "instance BLOB NOT NULL, "
                                  "created_at INTEGER NOT NULL)";

/// NFS, SMB, CIFS, SMB2: they lack shared memory for the WAL index, and their locks are unreliable.
/// @source statfs(2).
constexpr std::array<std::uint32_t, 4> network_file_systems{0x6969, 0x517b, 0xff534d42, 0xfe534d42};

outcome<void> check(const std::string& path, const sqlite_options& options) {
  if (path.empty()) {
    return failure{invalid("a SQLite database needs a path")};
  }
  if (options.capability.empty() && !options.read_only) {
    return failure{invalid(path + ": it must be said whose database it is")};
  }
  if (options.cache_kib < 64 || options.cache_kib > 1'048'576) {
    return failure{invalid("cache_kib is 64 to 1,048,576")};
  }
  if (options.statements_max < 1 || options.statements_max > 10'000) {
    return failure{invalid("statements_max is 1 to 10,000")};
  }
  if (options.checkpoint_pages < 1 || options.truncate_pages <= options.checkpoint_pages) {
    return failure{invalid("checkpoint_pages is 1 or more, truncate_pages more than that")};
  }
  return {};
}

outcome<void> prepare_folder(const fs::path& folder, bool create) {
  std::error_code failed;
  if (create && !fs::exists(folder, failed)) {
    fs::create_directories(folder, failed);
    if (failed) {
      return failure{internal_error(
          fmt::format("cannot make the folder {}: {}", folder.string(), failed.message()))};
    }
    // Syncs the parent folders too: otherwise power loss may remove a new folder with everything
    // synced in it.
    (void)sync_folder(folder);
    (void)sync_folder(folder.parent_path());
  }

  struct statfs found {};

  if (statfs(folder.c_str(), &found) == 0) {
    const auto kind = static_cast<std::uint32_t>(found.f_type);
    if (contains(network_file_systems, kind)) {
      return failure{invalid(fmt::format(
          "{} is on a network file system, where SQLite's WAL does not work: use a local disk, or "
          "PostgreSQL for many machines",
          folder.string()))};
    }
  }
  return {};
}

error corrupt(const std::string& message) {
  auto found = internal_error(message);
  found.details.emplace_back("fault", name_of(database_fault::corrupt));
  return found;
}

/// Checks the files before SQLite acts on them. (Opening and closing the main file here would drop
/// the locks that other sessions of this process hold on it.)
outcome<void> check_files(const std::string& path, bool create) {
  std::error_code failed;
  const auto wal = own_name_of(path) + "-wal";
  const auto size = fs::file_size(path, failed);
  const bool missing = static_cast<bool>(failed);
  const auto wal_size = fs::file_size(wal, failed);
  const bool has_wal = !failed && wal_size > 0;
  // SQLite would delete the WAL of an empty database, and with it commits that were confirmed.
  if ((missing || size == 0) && has_wal) {
    return failure{corrupt(fmt::format(
        "{} is {} but its WAL is not: the database was lost. Keep {}, restore a copy",
        path,
        missing ? "missing" : "empty",
        wal))};
  }
  if (missing && !create) {
    return failure{invalid(path + ": there is no such database, and it is not to be made")};
  }
  TROUPE_CHECK(check_wal_is_there(path));
  if (has_wal) {
    TROUPE_CHECK(check_wal_is_own(path));
  }
  return check_wal(wal);
}

/// The owner recorded in the table troupe_meta; nothing for a file without tables.
outcome<std::optional<std::string>> read_owner(sqlite_session& session, const std::string& path) {
  const auto tables = session.integer_of("SELECT count(*) FROM sqlite_schema");
  const auto ours = session.integer_of(
      "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'troupe_meta'");
  std::optional<std::string> owner;
  if (tables == 0) {
    return owner;
  }
  if (ours == 0) {
    return failure{invalid(
        fmt::format("{} is a SQLite database that Troupe did not make; it is left alone", path))};
  }
  session.query("SELECT capability, instance FROM troupe_meta", [&](const row& found) {
    owner = found.text(0);
    session.set_instance(found.id(1));
  });
  if (!owner) {
    return failure{corrupt(path + ": its troupe_meta is empty; it is left alone")};
  }
  return owner;
}

void write_owner(sqlite_session& session, const std::string& capability) {
  const auto now = system_clock{}.wall();
  const auto instance = uuid_source{}.next(now);
  transaction writing{session};
  session.execute(make_meta);
  session.execute(
      "INSERT INTO troupe_meta (one, capability, instance, created_at) VALUES (1, $1, $2, $3)",
      capability,
      instance,
      unix_millis(now));
  writing.commit();
  session.set_instance(instance);
}

/// Opens a connection and reads the file's owner, without changing anything. The name is empty for
/// a new file.
outcome<std::pair<std::unique_ptr<sqlite_session>, std::string>>
look_at(const std::string& path, const sqlite_options& options) {
  auto session = std::make_unique<sqlite_session>(path, options);
  set_up(*session);
  TROUPE_TRY(auto owner, read_owner(*session, path));
  auto name = owner.value_or("");
  const bool fresh = !owner && !options.read_only;
  if (!fresh && !options.capability.empty() && name != options.capability) {
    return failure{invalid(fmt::format(
        "{} belongs to the capability '{}', not to '{}'", path, name, options.capability))};
  }
  return std::pair{std::move(session), std::move(name)};
}

/// Facts about a database collected before its file is opened.
struct beforehand {
  /// The id of the database that a writer noted in the lock file, if any.
  std::optional<uuid> noted;
  bool had_lock_file = false;
  std::uintmax_t size = 0;
};

/// Refuses to treat a file without tables as new if it replaces an earlier database, or if it is a
/// copy whose commits are all in a WAL that was not copied, and so has pages but no tables. (A file
/// whose creation was interrupted looks the same, but has a lock file.)
outcome<void> check_is_new(const std::string& path, const beforehand& known) {
  if (known.noted) {
    return failure{corrupt(fmt::format(
        "{0} is {1}, and the database {2} was here before: put it back, with its WAL {0}-wal, or "
        "restore a copy. To begin with an empty one delete {0}.lock",
        path,
        known.size == 0 ? "missing or empty" : "without tables",
        to_string(*known.noted)))};
  }
  if (known.size > 0 && !known.had_lock_file) {
    return failure{corrupt(fmt::format(
        "{0} is the copy of a database without its WAL {0}-wal, where all of it is: copy both, or "
        "stop the system before you copy. To begin with an empty one delete {0}",
        path))};
  }
  return {};
}

/// Opens for writing; the turnstile is held.
outcome<std::unique_ptr<sqlite_session>> set_up_for_writing(
    const std::string& path, const sqlite_options& options, const beforehand& known) {
  TROUPE_CHECK(check_files(path, options.create));
  if (known.size == 0) {
    if (auto is_new = check_is_new(path, known); !is_new) {
      return failure{std::move(is_new.error())}; // Opening would create the file.
    }
  }
  // Check before writing: even the journal mode of a foreign file must not change.
  TROUPE_TRY(auto found, look_at(path, options));
  auto& [session, owner] = found;
  if (owner.empty()) {
    TROUPE_CHECK(check_is_new(path, known));
  }
  enter_wal_mode(*session);
  if (owner.empty()) {
    write_owner(*session, options.capability);
  }
  return std::move(session);
}

/// Refuses a database that is being moved, or brought back.
outcome<void> check_signs(const std::string& path, const sqlite_options& options) {
  std::error_code unseen;
  if (!options.is_moving && fs::exists(path + ".migrating", unseen)) {
    return failure{invalid(fmt::format(
        "{0}: the data of this system are being moved (there is {0}.migrating): give `troupe "
        "migrate` again, which goes on where it ended, or end it with --abandon",
        path))};
  }
  if (fs::exists(path + ".returning", unseen)) {
    return failure{invalid(fmt::format(
        "{0}: a backup is being brought back into this database (there is {0}.returning): give "
        "`troupe restore FILE --from FOLDER --accept` again, which goes on",
        path))};
  }
  return {};
}

outcome<std::unique_ptr<database>>
open_for_writing(const std::string& path, const sqlite_options& options) {
  TROUPE_CHECK(check_signs(path, options));
  auto folder = fs::path{path}.parent_path();
  TROUPE_CHECK(prepare_folder(folder.empty() ? "." : folder, options.create));
  std::error_code failed;
  beforehand known;
  known.had_lock_file = fs::exists(path + ".lock", failed);
  TROUPE_TRY(auto gate, turnstile::open(path));
  outcome<std::unique_ptr<sqlite_session>> opened;
  {
    TROUPE_TRY(const auto locked, turnstile_guard::lock(gate, options.lock_patience));
    // Once more, under the lock: whoever has put a sign there since takes the lock, too, before it
    // looks whether the file is in use.
    TROUPE_CHECK(check_signs(path, options));
    const long_work shown{gate}; // A large WAL is read through, twice.
    known.noted = gate.noted_database();
    const auto bytes = fs::file_size(path, failed);
    known.size = failed ? 0 : bytes;
    opened = set_up_for_writing(path, options, known);
    if (opened && known.noted != (*opened)->instance()) {
      gate.note_database((*opened)->instance());
    }
  }
  if (!opened) {
    return failure{std::move(opened.error())};
  }
  // Reading the pages needs no lock, and would block other processes for too long.
  const auto size = fs::file_size(path, failed);
  if (!failed && static_cast<std::int64_t>(size) <= options.check_bytes_max) {
    check_pages(**opened);
  }
  return std::move(*opened);
}

} // namespace

outcome<std::unique_ptr<database>>
open_sqlite(const std::string& path, const sqlite_options& options) {
  TROUPE_CHECK(check(path, options));
  try {
    if (options.read_only) {
      TROUPE_TRY(auto found, look_at(path, options));
      return std::move(found.first);
    }
    return open_for_writing(path, options);
  } catch (const database_error& met) {
    auto found = met.to_error();
    // Opening changes no data.
    found.possible = effect::none;
    found.message = fmt::format("cannot open {}: {}", path, found.message);
    return failure{std::move(found)};
  }
}

} // namespace troupe::store
