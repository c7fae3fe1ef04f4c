#pragma once

#include "nodes/commands/backup/manifest.hpp"
#include "nodes/commands/transfer/server_books.hpp"
#include "nodes/commands/transfer/stored_database.hpp"
#include "runtime/clock.hpp"
#include "topology/plan.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// A file of a backup, where it goes, and what is there now.
struct returning_file {
  saved_file saved;
  stored_database what;
  std::filesystem::path from;
  /// Empty: it goes to a server, into the schema of `what`.
  std::filesystem::path to;
  /// The entry of the database that is there now, as a manifest would have it; nothing if there is
  /// none, or it cannot be read.
  std::optional<saved_file> now{};
  bool is_there = false;
};

/// A backup that was checked, file by file. Other commands that move data are kept away from the
/// servers meanwhile.
struct checked_backup {
  backup_manifest manifest;
  std::vector<returning_file> files;
  std::string system;
  std::optional<server_books> books;
  /// Owners of files that are there and have more than the backup, and no less: keys of gateways.
  std::vector<std::string> kept{};
};

/// Reads the manifest of a backup and all of its files, and looks at what they would replace.
/// @errors `invalid`: no backup, one of another system or of capabilities that `plan` has not, a
/// file that is missing or not as it was saved, a schema that is being moved or is not of this
/// system; `unavailable`: a process has a file open, or a session with a server.
outcome<checked_backup>
check_backup(const topology::plan& plan, const std::filesystem::path& folder);

/// The losses and repeats of bringing it back, a sentence a line. Pure.
std::vector<std::string> consequences_of(const checked_backup& backup);

/// Puts what is there aside, into folders named `before-restore-TIME` beside it or into schemas of
/// such names, and the backup's data into its place. Done again after it was interrupted, it goes
/// on; until it is through, nothing runs on the server, or on a file that has not come back.
/// @return those folders and schemas.
/// @errors `unavailable`: no room, or rights, for the files, and no file was changed; `internal`,
/// of the disk; of the server.
outcome<std::vector<std::string>> bring_back(checked_backup& backup, const clock& time);

} // namespace troupe
