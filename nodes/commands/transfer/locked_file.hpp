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

/// The id of the database that was last in the file, if the file is gone.
std::optional<uuid> lost_database(const std::string& path);

} // namespace troupe
