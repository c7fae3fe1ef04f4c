#pragma once

#include "runtime/store/database.hpp"

#include <sqlite3.h>
#include <string_view>

namespace troupe::store {

/// What `code`, an extended result code, means for a caller.
/// @source https://www.sqlite.org/rescode.html
database_fault fault_of(int code);

/// The connection's last error as an exception, with the statement that met it.
database_error sqlite_failure(sqlite3* connection, int code, std::string_view sql);

} // namespace troupe::store
