#include "runtime/store/sqlite/error.hpp"
#include "runtime/store/sqlite/session.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <string>

// How a connection is set up: the part of sqlite_session that runs once.

namespace troupe::store {

namespace {

/// Pragmas that ask and change nothing of the session.
constexpr std::array<std::string_view, 9> pragmas_allowed{
    "foreign_key_check",
    "foreign_key_list",
    "index_info",
    "index_list",
    "integrity_check",
    "quick_check",
    "table_info",
    "table_list",
    "table_xinfo"};

/// Damage comes in thousands of lines; the first few tell what to know.
constexpr const char* quick_check = "PRAGMA quick_check(5)";

/// Lets the session run a pragma of its own.
class own_statement_scope {
public:
  explicit own_statement_scope(bool& flag) : flag_{flag}, before_{flag} { flag_ = true; }

  own_statement_scope(const own_statement_scope&) = delete;
  own_statement_scope& operator=(const own_statement_scope&) = delete;

  ~own_statement_scope() { flag_ = before_; }

private:
  bool& flag_;
  bool before_;
};

void require(sqlite3* connection, int code, std::string_view doing) {
  if (code != SQLITE_OK) {
    throw sqlite_failure(connection, code, doing);
  }
}

/// A database handle option, verified: an old library would pass over what it does not know.
void configure_handle(sqlite3* connection, int option, int to, std::string_view name) {
  int now = -1;
  require(connection, sqlite3_db_config(connection, option, to, &now), name);
  if (now != to) {
    throw database_error{database_fault::other, fmt::format("{} did not take {}", name, to)};
  }
}

} // namespace

void sqlite_session::set_up() {
  auto* connection = connection_.get();
  // Checkpoints happen only under the turnstile, never behind our back at closing: two connections
  // that checkpoint and write at once can corrupt a WAL (SQLite before 3.51.3).
  configure_handle(connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, "NO_CKPT_ON_CLOSE");
  // A misspelt "column" would read as text, which PostgreSQL rightly refuses.
  configure_handle(connection, SQLITE_DBCONFIG_DQS_DML, 0, "DQS_DML");
  configure_handle(connection, SQLITE_DBCONFIG_DQS_DDL, 0, "DQS_DDL");
  configure_handle(connection, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, "TRUSTED_SCHEMA");
  configure_handle(connection, SQLITE_DBCONFIG_ENABLE_FKEY, 1, "ENABLE_FKEY");
  const auto wait = static_cast<int>(options_.busy_timeout.count());
  require(connection, sqlite3_busy_timeout(connection, wait), "busy_timeout");
  require(connection, sqlite3_set_authorizer(connection, &authorize, this), "authorizer");

  set_pragma("foreign_keys", "ON", "1");
  set_pragma("synchronous", options_.durable ? "FULL" : "OFF", options_.durable ? "2" : "0");
  set_pragma("temp_store", "MEMORY", "2");
  set_pragma("mmap_size", "0", "0");
  const auto cache = std::to_string(-options_.cache_kib);
  set_pragma("cache_size", cache, cache);
  set_pragma("cell_size_check", "ON", "1");
  set_pragma("wal_autocheckpoint", "0", "0");
  sqlite3_wal_hook(connection, &after_commit, this);
}

void sqlite_session::enter_wal_mode() {
  const own_statement_scope own{own_statement_};
  if (text_of("PRAGMA journal_mode") == "wal") {
    return;
  }
  // The way into WAL mode is a transaction with a rollback journal. If the deletion of that journal
  // is not synced (only EXTRA does so), power loss may bring it back: the next opening would play
  // it, find an empty database and delete the WAL with all confirmed commits.
  if (options_.durable) {
    set_pragma("synchronous", "EXTRA", "3");
  }
  set_pragma("journal_mode", "WAL", "wal");
  if (options_.durable) {
    set_pragma("synchronous", "FULL", "2");
  }
}

void sqlite_session::check_pages() {
  std::string found;
  query(quick_check, [&found](const row& line) {
    found += found.empty() ? "" : "; ";
    found += line.text(0);
  });
  if (found != "ok") {
    throw database_error{database_fault::corrupt, fmt::format("quick_check says: {}", found)};
  }
}

void sqlite_session::set_pragma(
    const char* name, const std::string& to, const std::string& expected) {
  const own_statement_scope own{own_statement_};
  script(fmt::format("PRAGMA {} = {}", name, to));
  auto now = text_of(fmt::format("PRAGMA {}", name));
  // A file layer without memory mapping has no mmap_size to speak of.
  if (now.value_or(expected) != expected) {
    throw database_error{
        database_fault::other, fmt::format("{} is {} and would not become {}", name, *now, to)};
  }
}

int sqlite_session::authorize(
    void* self, int action, const char* first, const char*, const char*, const char*) noexcept {
  if (static_cast<sqlite_session*>(self)->own_statement_) {
    return SQLITE_OK;
  }
  switch (action) {
  case SQLITE_TRANSACTION:
  case SQLITE_SAVEPOINT:
  case SQLITE_ATTACH:
  case SQLITE_DETACH:
    return SQLITE_DENY;
  case SQLITE_PRAGMA: {
    const std::string_view name = first == nullptr ? "" : first;
    const bool allowed =
        std::any_of(pragmas_allowed.begin(), pragmas_allowed.end(), [name](std::string_view one) {
          return sqlite3_strnicmp(one.data(), name.data(), static_cast<int>(one.size())) == 0
                 && one.size() == name.size();
        });
    return allowed ? SQLITE_OK : SQLITE_DENY;
  }
  default:
    return SQLITE_OK;
  }
}

int sqlite_session::after_commit(void* self, sqlite3*, const char*, int pages) noexcept {
  auto& session = *static_cast<sqlite_session*>(self);
  if (pages < session.wal_pages_) {
    // The WAL was started over, so that what it held is in the main file.
    session.next_checkpoint_ = session.options_.checkpoint_pages;
  }
  session.wal_pages_ = pages;
  return SQLITE_OK;
}

} // namespace troupe::store
