#pragma once

#include "runtime/outcome.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace troupe {

/// The SHA-256 of a file, in hexadecimal digits, as `sha256sum` prints it.
/// @errors `internal`: it cannot be read.
outcome<std::string> sha256_of(const std::filesystem::path& file);

/// Writes a new file and syncs it.
/// @errors `internal`: it exists already, or the disk failed.
outcome<void> write_synced(const std::filesystem::path& file, std::string_view text);

/// Copies a file, syncs the copy, and renames it to `to` in one step.
/// @errors `internal`, of the disk; `to` is unchanged.
outcome<void> copy_synced(const std::filesystem::path& from, const std::filesystem::path& to);

} // namespace troupe
