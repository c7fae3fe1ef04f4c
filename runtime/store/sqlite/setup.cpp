#include "runtime/store/sqlite/setup.hpp"

#include "runtime/store/sqlite/error.hpp"

#include <fmt/format.h>
#include <string>

namespace troupe::store {

namespace {

/// Damage can produce thousands of lines; the first few are enough.
constexpr const char* quick_check = "PRAGMA quick_check(5)";

void require(sqlite3* connection, int code, std::string_view doing) {
  if (code != SQLITE_OK) {
    throw sqlite_failure(connection, code, doing);
  }
}

void configure_handle(sqlite3* connection, int option, int to, std::string_view name) {
  int now = -1;
  require(connection, sqlite3_db_config(connection, option, to, &now), name);
  if (now != to) {
    throw database_error{database_fault::other, fmt::format("{} did not take {}", name, to)};
  }
}

void set_pragma(
    sqlite_session& session, const char* name, const std::string& to, const std::string& expected) {
  const statement_guard::exemption own{session.guard()};
  session.script(fmt::format("PRAGMA {} = {}", name, to));
  auto now = session.text_of(fmt::format("PRAGMA {}", name));
  // A VFS without memory mapping returns no value for mmap_size.
  if (now.value_or(expected) != expected) {
    throw database_error{
        database_fault::other, fmt::format("{} is {} and would not become {}", name, *now, to)};
  }
}

} // namespace

void set_up(sqlite_session& session) {
  auto* connection = session.handle();
  const sqlite_options& options = session.options();
  // Keeps SQLite from checkpointing on close (checkpoints.hpp).
  configure_handle(connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, "NO_CKPT_ON_CLOSE");
  // Otherwise SQLite reads a misspelt "column" as a text literal, which PostgreSQL rejects.
  configure_handle(connection, SQLITE_DBCONFIG_DQS_DML, 0, "DQS_DML");
  configure_handle(connection, SQLITE_DBCONFIG_DQS_DDL, 0, "DQS_DDL");
  configure_handle(connection, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, "TRUSTED_SCHEMA");
  configure_handle(connection, SQLITE_DBCONFIG_ENABLE_FKEY, 1, "ENABLE_FKEY");
  const auto wait = static_cast<int>(options.busy_timeout.count());
  require(connection, sqlite3_busy_timeout(connection, wait), "busy_timeout");
  require(connection, session.guard().install(connection), "authorizer");

  set_pragma(session, "foreign_keys", "ON", "1");
  set_pragma(session, "synchronous", options.durable ? "FULL" : "OFF", options.durable ? "2" : "0");
  set_pragma(session, "temp_store", "MEMORY", "2");
  set_pragma(session, "mmap_size", "0", "0");
  const auto cache = std::to_string(-options.cache_kib);
  set_pragma(session, "cache_size", cache, cache);
  set_pragma(session, "cell_size_check", "ON", "1");
  set_pragma(session, "wal_autocheckpoint", "0", "0");
  session.wal().watch();
}

void enter_wal_mode(sqlite_session& session) {
  const bool durable = session.options().durable;
  const statement_guard::exemption own{session.guard()};
  if (session.text_of("PRAGMA journal_mode") == "wal") {
    return;
  }
  // SQLite enters WAL mode in a transaction with a rollback journal. Unless the deletion of that
  // journal is synced (only EXTRA does so), power loss may bring it back: the next opening would
  // roll back to an empty database and delete the WAL with all confirmed commits.
  if (durable) {
    set_pragma(session, "synchronous", "EXTRA", "3");
  }
  set_pragma(session, "journal_mode", "WAL", "wal");
  if (durable) {
    set_pragma(session, "synchronous", "FULL", "2");
  }
}

void check_pages(sqlite_session& session) {
  std::string found;
  session.query(quick_check, [&found](const row& line) {
    found += found.empty() ? "" : "; ";
    found += line.text(0);
  });
  if (found != "ok") {
    throw database_error{database_fault::corrupt, fmt::format("quick_check says: {}", found)};
  }
}

} // namespace troupe::store
