#pragma once

#include "nodes/commands/restore/from_backup.hpp"

#include <string>
#include <vector>

namespace troupe {

// The part of a restore that is on a server. As a move does, it notes in the books of the servers
// what arrives, so that nothing runs there before all of it is there.

/// Whether the file may take the place of what is in its schema.
/// @errors `invalid`: tables that Troupe did not make, another system's, or data that are moved.
outcome<void> check_replaceable(
    const returning_file& one,
    const schema_content& there,
    const std::string& system,
    server_books& books);

/// Whether a file has the tables that this release makes, as a schema will have them.
/// @errors `invalid`; of `open_sqlite`.
outcome<void> check_release(const returning_file& one);

/// Puts the present schemas aside, and fills new ones from the files; the names of the former go to
/// `aside`. Done again, it goes on.
/// @errors of the server.
outcome<void>
fill_schemas(checked_backup& backup, const clock& time, std::vector<std::string>& aside);

/// Everything is there: lets brokers and workers onto the server.
/// @errors of the server.
outcome<void> give_schemas_free(checked_backup& backup);

} // namespace troupe
