#pragma once

#include "runtime/outcome.hpp"

#include <string>

namespace troupe::store {

/// Refuses a WAL file with damage in its *middle*.
///
/// SQLite reads a WAL up to the first frame with a wrong checksum and ignores the rest. That is
/// right for a torn end, but a flipped bit further up would silently drop confirmed commits. A
/// commit is synced before the next one is written, so a sound commit *behind* a bad frame proves
/// that the bad frame was intact on disk once. (Damage in the last commit cannot be told from a
/// torn end.)
///
/// To be called while no process writes: under the turnstile. A missing or empty file is sound.
///
/// @param path of the WAL itself ("data/orders.db-wal"); no locks live on that file.
/// @errors `internal`, {fault: corrupt} or {fault: io}.
/// @source https://www.sqlite.org/fileformat2.html, section 4.
outcome<void> check_wal(const std::string& path);

} // namespace troupe::store
