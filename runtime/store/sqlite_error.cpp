#include "runtime/store/sqlite_error.hpp"

#include <fmt/format.h>
#include <string>

namespace troupe::store {

namespace {

/// Long enough to find the statement in the source.
constexpr std::size_t sql_shown_max = 300;

database_fault io_fault_of(int code) {
  switch (code) {
  case SQLITE_IOERR_FSYNC:
  case SQLITE_IOERR_DIR_FSYNC:
  case SQLITE_IOERR_TRUNCATE:
    return database_fault::fsync;
  case SQLITE_IOERR_CORRUPTFS:
  case SQLITE_IOERR_DATA:
    return database_fault::corrupt;
  case SQLITE_IOERR_NOMEM:
    return database_fault::other;
  default:
    return database_fault::io;
  }
}

} // namespace

database_fault fault_of(int code) {
  switch (code & 0xff) {
  case SQLITE_CONSTRAINT:
    return database_fault::constraint;
  case SQLITE_FULL:
    return database_fault::full;
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
  case SQLITE_PROTOCOL:
    return database_fault::busy;
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB:
    return database_fault::corrupt;
  case SQLITE_IOERR:
    return io_fault_of(code);
  case SQLITE_CANTOPEN:
    return database_fault::io;
  case SQLITE_ERROR:
  case SQLITE_SCHEMA:
  case SQLITE_RANGE:
  case SQLITE_AUTH:
  case SQLITE_MISMATCH:
    return database_fault::schema;
  default:
    return database_fault::other;
  }
}

database_error sqlite_failure(sqlite3* connection, int code, std::string_view sql) {
  if ((code & 0xff) == SQLITE_AUTH) {
    return database_error{
        fault_of(code),
        fmt::format(
            "transactions, savepoints, ATTACH and PRAGMA belong to the session (in: {})",
            sql.substr(0, sql_shown_max)),
        code};
  }
  const auto* said = connection == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(connection);
  return database_error{
      fault_of(code),
      fmt::format("{} [SQLite {}] (in: {})", said, code, sql.substr(0, sql_shown_max)),
      code};
}

} // namespace troupe::store
