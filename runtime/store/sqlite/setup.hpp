#pragma once

#include "runtime/store/sqlite/session.hpp"

namespace troupe::store {

// The steps that open_sqlite() takes once on a new connection. All throw database_error.

/// Sets the options and pragmas that write nothing, and verifies each, since an old library ignores
/// those it does not know.
void set_up(sqlite_session& session);

/// Puts the file into WAL mode, unless it is already.
void enter_wal_mode(sqlite_session& session);

/// Reads the file through. Throws `corrupt` with the first faults found.
void check_pages(sqlite_session& session);

} // namespace troupe::store
