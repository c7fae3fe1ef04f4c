#pragma once

#include "nodes/commands/backup/manifest.hpp"
#include "topology/plan.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// A file of a backup, where it goes, and what is there now.
struct returning_file {
  saved_file saved;
  std::filesystem::path from;
  std::filesystem::path to;
  /// The entry of the database that is there now, as a manifest would have it; nothing if there is
  /// none, or it cannot be read.
  std::optional<saved_file> now;
  bool is_there = false;
};

/// A backup that was checked, file by file.
struct checked_backup {
  backup_manifest manifest;
  std::vector<returning_file> files;
};

/// Reads the manifest of a backup and all of its files, and looks at what they would replace.
/// @errors `invalid`: no backup, one of another system or of capabilities that `plan` has not, a
/// file that is missing or not as it was saved; `unavailable`: a process has a file open.
outcome<checked_backup>
check_backup(const topology::plan& plan, const std::filesystem::path& folder);

/// The losses and repeats of bringing it back, a sentence a line. Pure.
std::vector<std::string> consequences_of(const checked_backup& backup);

/// Puts what is there aside, into folders named `before-restore-TIME` beside it, and the backup's
/// files into its place. Done again after it was interrupted, it goes on.
/// @return those folders.
/// @errors `internal`, of the disk.
outcome<std::vector<std::string>> bring_back(const checked_backup& backup, const std::string& time);

} // namespace troupe
