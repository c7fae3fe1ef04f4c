#pragma once

#include "nodes/commands/restore/from_backup.hpp"

#include <string>
#include <vector>

namespace troupe {

// The part of a restore that concerns servers. Like a move, it records in the servers' books what
// arrives, so that nothing can run there until all has arrived.

/// Checks that a file may replace the contents of its schema.
/// @errors `invalid`: tables that Troupe did not make, another system's, or data being moved.
outcome<void> check_replaceable(
    const returning_file& one,
    const schema_content& there,
    const std::string& system,
    server_books& books);

/// Checks that a file has the tables of this release, as its schema will.
/// @errors `invalid`; of `open_sqlite`.
outcome<void> check_release(const returning_file& one);

/// Puts the existing schemas aside, and fills new ones from the files. After an interruption a
/// repeat continues.
/// @param aside receives the names of the old schemas.
/// @errors of the server.
outcome<void>
fill_schemas(checked_backup& backup, const clock& time, std::vector<std::string>& aside);

/// Called when all has arrived: allows brokers and workers to use the server.
/// @errors of the server.
outcome<void> give_schemas_free(checked_backup& backup);

} // namespace troupe
