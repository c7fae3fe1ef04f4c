#include "runtime/store/sqlite/online_copy.hpp"

#include "runtime/store/sqlite/error.hpp"
#include "runtime/store/sqlite/session.hpp"
#include "runtime/store/sqlite/setup.hpp"

#include <filesystem>
#include <fmt/format.h>
#include <system_error>
#include <utility>

namespace troupe::store {

namespace {

void require_copy(sqlite3* connection, int code, const std::string& doing) {
  if (code != SQLITE_OK) {
    throw sqlite_failure(connection, code, doing);
  }
}

/// Copies all pages of the snapshot that `from` sees.
void copy_pages(sqlite3* from, sqlite3* to, const std::string& path) {
  sqlite3_backup* const copying = sqlite3_backup_init(to, "main", from, "main");
  if (copying == nullptr) {
    throw sqlite_failure(to, sqlite3_errcode(to), "copying into " + path);
  }
  // In one step: the snapshot is held anyway, and in WAL mode it does not block writers.
  const int code = sqlite3_backup_step(copying, -1);
  const int ended = sqlite3_backup_finish(copying);
  if (code != SQLITE_DONE || ended != SQLITE_OK) {
    throw sqlite_failure(to, ended != SQLITE_OK ? ended : code, "copying into " + path);
  }
}

/// Marks a file as one that has no WAL. The mark tells a WAL that is found beside it later from its
/// own (check_wal_is_own).
void leave_wal_mode(sqlite3* file, const std::string& path) {
  std::string mode;
  const auto take = [](void* to, int count, char** cells, char**) {
    static_cast<std::string*>(to)->assign(count > 0 && cells[0] != nullptr ? cells[0] : "");
    return 0;
  };
  require_copy(
      file,
      sqlite3_exec(file, "PRAGMA journal_mode = DELETE", take, &mode, nullptr),
      "closing " + path);
  if (mode != "delete") {
    throw database_error{
        database_fault::other, fmt::format("{} stays in the journal mode {}", path, mode)};
  }
}

/// Opens a file with `flags`, so that what is written is synced when it is closed; the last of its
/// pages too.
std::unique_ptr<sqlite3, close_sqlite> open_synced(const std::string& path, int flags) {
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(
      path.c_str(), &opened, SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | flags, nullptr);
  std::unique_ptr<sqlite3, close_sqlite> file{opened};
  require_copy(opened, code, "opening " + path);
  require_copy(
      opened, sqlite3_exec(opened, "PRAGMA synchronous = EXTRA", nullptr, nullptr, nullptr), path);
  return file;
}

} // namespace

online_copy::online_copy(std::unique_ptr<sqlite_session> session) : session_{std::move(session)} {
}

online_copy::online_copy(online_copy&&) noexcept = default;
online_copy& online_copy::operator=(online_copy&&) noexcept = default;
online_copy::~online_copy() = default;

outcome<online_copy> online_copy::open(const std::string& path) {
  sqlite_options options;
  options.read_only = true;
  TROUPE_TRY(auto opened, open_sqlite(path, options));
  // `open_sqlite` always makes a sqlite_session.
  std::unique_ptr<sqlite_session> session{static_cast<sqlite_session*>(opened.release())};
  try {
    const statement_guard::exemption own{session->guard()};
    // The first read of a transaction fixes its snapshot.
    session->script("BEGIN");
    (void)session->integer_of("SELECT count(*) FROM sqlite_schema");
  } catch (const database_error& met) {
    return failure{met.to_error()};
  }
  return online_copy{std::move(session)};
}

database& online_copy::session() {
  return *session_;
}

outcome<void> online_copy::write(const std::string& to) {
  std::error_code failed;
  if (std::filesystem::exists(to, failed)) {
    return failure{invalid(to + " is there already")};
  }
  try {
    const auto copy = open_synced(to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    copy_pages(session_->handle(), copy.get(), to);
    leave_wal_mode(copy.get(), to);
  } catch (const database_error& met) {
    return failure{met.to_error()};
  }
  return check_copy(to);
}

outcome<void> seal_copy(const std::string& path) {
  try {
    leave_wal_mode(open_synced(path, SQLITE_OPEN_READWRITE).get(), path);
  } catch (const database_error& met) {
    return failure{met.to_error()};
  }
  return check_copy(path);
}

outcome<void> check_copy(const std::string& path) {
  // Opened so that SQLite neither reads nor creates a WAL: the file must be complete on its own.
  sqlite3* opened = nullptr;
  const std::string name = still_file_uri(path);
  try {
    const int code = sqlite3_open_v2(
        name.c_str(),
        &opened,
        SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX,
        nullptr);
    const std::unique_ptr<sqlite3, close_sqlite> copy{opened};
    require_copy(opened, code, "opening " + path);
    std::string found;
    const auto take = [](void* to, int count, char** cells, char**) {
      static_cast<std::string*>(to)->append(count > 0 && cells[0] != nullptr ? cells[0] : "");
      return 0;
    };
    require_copy(
        opened,
        sqlite3_exec(opened, "PRAGMA quick_check(1)", take, &found, nullptr),
        "checking " + path);
    if (found != "ok") {
      throw database_error{
          database_fault::corrupt, fmt::format("{}: quick_check says: {}", path, found)};
    }
  } catch (const database_error& met) {
    return failure{met.to_error()};
  }
  return {};
}

} // namespace troupe::store
