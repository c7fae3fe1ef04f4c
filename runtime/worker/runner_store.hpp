#pragma once

#include "runtime/store/database.hpp"
#include "runtime/store/sqlite/turnstile.hpp"
#include "runtime/worker/group.hpp"

#include <cstdint>
#include <memory>

namespace troupe {

/// A group's store in this process: one session, one fair lock, one number as a writer.
struct runner_store {
  std::unique_ptr<store::database> database;
  store::turnstile gate;
  std::int64_t writer = 0;

  /// Opens the capability's database, brings its tables up to date and takes a writer's number.
  ///
  /// @errors of the store (sqlite_database.hpp, migrations.hpp); `unavailable` if the fair lock is
  /// not to be had. Nothing is left open.
  static outcome<std::unique_ptr<runner_store>> open(group& of);
};

/// Waits for the fair lock of a group's database. Whoever stands in the way and does not move for
/// longer than a turn may take (it is stopped, or its watchdog would have ended it) is killed: a
/// stopped process must not stop a machine.
///
/// @return false after half a minute, or when the group is ending: the lock is not held.
bool lock_patiently(group& of, store::turnstile& gate);

} // namespace troupe
