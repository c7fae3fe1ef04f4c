#pragma once

#include "runtime/store/database.hpp"

#include <sqlite3.h>
#include <string_view>

namespace troupe::store {

/// The kind of fault of `code`, an extended result code.
///
/// @param connection where the error occurred; null if there is none.
/// @source https://www.sqlite.org/rescode.html
database_fault fault_of(sqlite3* connection, int code);

/// The connection's last error as an exception, with the statement that failed.
database_error sqlite_failure(sqlite3* connection, int code, std::string_view sql);

} // namespace troupe::store
