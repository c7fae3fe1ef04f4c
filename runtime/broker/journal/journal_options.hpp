#pragma once

#include "runtime/store/sqlite/database.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace troupe::broker {

/// How the journal of events is opened.
struct journal_options {
  /// The database's file, which is made with its folder if it is missing.
  std::string path;
  /// How long opening waits for a broker that has the journal and may be ending. 0 to 10 min.
  std::chrono::milliseconds patience{2'000};
  /// How the file is opened; `capability`, `read_only` and `lock_patience` are set by the journal.
  store::sqlite_options sqlite{.check_bytes_max = 16LL * 1024 * 1024};
  /// Rows that one slice of a sweep looks at, for which a commit may have to wait. 1 or more.
  std::size_t sweep_rows = 2'000;
  /// Events after which the counters of topics are written; opening counts no more than these
  /// again. 1 or more.
  std::size_t uncounted_max = 16'384;
  /// Positions that one read looks at, so that a read that finds nothing ends soon. 1 or more.
  std::uint64_t scan_max = 65'536;
  /// Questions of the broker itself, and of all peers together, that wait for an answer; more are
  /// not taken. 1 or more.
  std::size_t questions_max = 1'024;
};

} // namespace troupe::broker
