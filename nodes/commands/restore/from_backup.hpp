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

/// A file of a backup, its destination, and what the destination holds now.
struct returning_file {
  saved_file saved;
  stored_database what;
  std::filesystem::path from;
  /// Empty if it goes to a server, into the schema of `what`.
  std::filesystem::path to;
  /// The existing database as a manifest entry; nothing if there is none, or it cannot be read.
  std::optional<saved_file> now{};
  bool is_there = false;
};

/// A backup whose files were all checked. While this exists, other commands that move data cannot
/// use the servers.
struct checked_backup {
  backup_manifest manifest;
  std::vector<returning_file> files;
  std::string system;
  std::optional<server_books> books;
  /// Owners of existing files that contain more than the backup, and nothing less: gateways' keys.
  std::vector<std::string> kept{};
};

/// Reads the manifest and all files of a backup, and examines what they would replace.
/// @errors `invalid`: not a backup, one of another system or with capabilities that `plan` lacks, a
/// file that is missing or changed, a schema that is being moved or is not of this system;
/// `unavailable`: a process has a file open, or a session with a server.
outcome<checked_backup>
check_backup(const topology::plan& plan, const std::filesystem::path& folder);

/// The work that restoring it would lose or repeat, one sentence per line. Pure.
std::vector<std::string> consequences_of(const checked_backup& backup);

/// Puts existing data aside, into folders `before-restore-TIME` beside them or schemas with such
/// names, and restores the backup's data. After an interruption the same call continues; until it
/// is done, nothing can run on the server, or on a file that is not restored yet.
/// @return those folders and schemas.
/// @errors `unavailable`: no space or rights for the files, and no file was changed; `internal`, of
/// the disk; of the server.
outcome<std::vector<std::string>> bring_back(checked_backup& backup, const clock& time);

} // namespace troupe
