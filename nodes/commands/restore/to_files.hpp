#pragma once

#include "nodes/commands/restore/from_backup.hpp"

#include <string>
#include <vector>

namespace troupe {

/// Copies the backup's files to the places of the databases, under other names. All are copied
/// before any database is touched, so that a full disk changes nothing. Files created by root get
/// the owner and permissions of what they replace, or else the owner of the folder, so that the
/// system's user can open them.
/// @errors `unavailable`: the disk, or rights; nothing was changed.
outcome<void> copy_beside(const checked_backup& backup);

/// Deletes the files made by `copy_beside`.
void drop_copies(const checked_backup& backup);

/// Puts existing files aside and the copies into their places, the journal last. Until this is
/// done, no process can open a database that is not restored yet: `NAME.db.returning` exists beside
/// it.
/// @param aside receives the folders created.
/// @errors `internal`: the disk; the same command continues.
outcome<void>
put_in_place(const checked_backup& backup, const clock& time, std::vector<std::string>& aside);

} // namespace troupe
