#pragma once

#include "runtime/ids.hpp"
#include "runtime/outcome.hpp"
#include "runtime/store/copy/table.hpp"
#include "runtime/store/database.hpp"
#include "runtime/store/sqlite/turnstile.hpp"

#include <memory>
#include <optional>
#include <string>

namespace troupe {

/// A SQLite database opened exclusively for this command, with its writers' lock.
struct locked_file {
  std::unique_ptr<store::turnstile> gate; // Released after the session is closed.
  std::unique_ptr<store::database> session;
  /// Keeps waiters from taking this process for stalled.
  std::unique_ptr<store::long_work> sign;

  store::table_space space() const { return {session.get(), {}}; }
};

/// Opens a file. @param create if it is missing.
/// @errors `unavailable`: a process has it open; of `open_sqlite`.
outcome<locked_file> open_locked(const std::string& path, const std::string& owner, bool create);

/// Whether a file exists.
/// @errors `unavailable`: cannot be determined, for example in a folder that this user may not
/// enter.
outcome<bool> has_file(const std::string& path);

/// Whether the place of a file may get another file, or none. A symbolic link would be replaced,
/// and what it leads to would stay where it is.
/// @errors `invalid`: it is a link.
outcome<void> check_is_no_link(const std::string& path);

/// The id of the database that was in the file when a writer was there last, if the file is gone.
std::optional<uuid> lost_database(const std::string& path);

} // namespace troupe
