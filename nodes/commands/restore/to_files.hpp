#pragma once

#include "nodes/commands/restore/from_backup.hpp"
#include "runtime/descriptor.hpp"

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// The folders of databases, kept locked against another command of this kind.
using folder_locks = std::map<std::filesystem::path, std::unique_ptr<descriptor>>;

/// Makes and locks the folders of the files that come back.
/// @errors `unavailable`: another command is at work there; the disk, or rights.
outcome<folder_locks> lock_folders(const checked_backup& backup);

/// Copies the backup's files beside the places of the databases, all of them before one is
/// touched: a disk that is full changes nothing. Root's copies get the owner and the rights of what
/// they replace, else the owner of the folder, so that the system's user can open them.
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
