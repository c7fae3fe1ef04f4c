#include "runtime/store/sqlite/error.hpp"

#include <cerrno>
#include <fmt/format.h>

namespace troupe::store {

namespace {

/// Enough to find the statement in the source.
constexpr std::size_t sql_shown_max = 300;

/// The errno of the last failed write to the database or its WAL; 0 without one.
int errno_of_write(sqlite3* connection) {
  int why = 0;
  (void)sqlite3_file_control(connection, "main", SQLITE_FCNTL_LAST_ERRNO, &why);
  sqlite3_file* wal = nullptr;
  (void)sqlite3_file_control(connection, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal);
  if (why == 0 && wal != nullptr && wal->pMethods != nullptr) {
    (void)wal->pMethods->xFileControl(wal, SQLITE_FCNTL_LAST_ERRNO, &why);
  }
  return why;
}

/// SQLite reports only ENOSPC as full; a file size limit or a quota has the same effect.
bool has_no_room(sqlite3* connection) {
  const int why = connection == nullptr ? 0 : errno_of_write(connection);
  return why == EFBIG || why == EDQUOT;
}

database_fault io_fault_of(sqlite3* connection, int code) {
  switch (code) {
  case SQLITE_IOERR_WRITE:
    return has_no_room(connection) ? database_fault::full : database_fault::io;
  case SQLITE_IOERR_SHMSIZE:
    return database_fault::full; // The WAL index, a memory-mapped file, cannot grow.
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

database_fault fault_of(sqlite3* connection, int code) {
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
    return io_fault_of(connection, code);
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
        fault_of(connection, code),
        fmt::format(
            "transactions, savepoints, ATTACH and PRAGMA belong to the session (in: {})",
            sql.substr(0, sql_shown_max)),
        code};
  }
  const auto* said = connection == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(connection);
  return database_error{
      fault_of(connection, code),
      fmt::format("{} [SQLite {}] (in: {})", said, code, sql.substr(0, sql_shown_max)),
      code};
}

} // namespace troupe::store
