#pragma once

#include "runtime/broker/journal/lease_table.hpp"
#include "runtime/outcome.hpp"
#include "runtime/store/sqlite/database.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace troupe::broker {

/// A journal that several brokers share, in a database that all of them reach: one of them has it
/// at a time, by a lease.
struct shared_journal {
  /// Opens a session with the database, whose tables may be missing yet. Any thread.
  std::function<outcome<std::unique_ptr<store::database>>()> connect;
  const lease_dialect* dialect = nullptr;
  /// The time without a renewal by its owner after which the journal may be taken.
  std::chrono::milliseconds lease{4'000};
  /// The lease while the owner opens the journal, renewed between two queries: longer than some of
  /// them and a connection may take. An owner that dies meanwhile loses the mark of its session,
  /// and is replaced at once.
  std::chrono::milliseconds opening_lease{15'000};
  /// This process, and its name and address for others.
  uuid owner{};
  std::string name{};
  std::string endpoint{};
  /// The lease that the opening takes over.
  lease_seen seen{};
};

/// How the journal of events is opened.
struct journal_options {
  /// The database's file, created with its folder if it is missing.
  std::string path;
  /// Instead of a file.
  std::optional<shared_journal> shared{};
  /// How long opening waits for a broker that has the journal and may be ending. 0 to 10 min.
  std::chrono::milliseconds patience{2'000};
  /// How the file is opened; `capability`, `read_only` and `lock_patience` are set by the journal.
  store::sqlite_options sqlite{.check_bytes_max = 16LL * 1024 * 1024};
  /// Rows that one slice of a sweep reads, for which a commit may have to wait. 1 or more.
  std::size_t sweep_rows = 2'000;
  /// Events after which the counters of topics are written; opening counts no more than these
  /// again. 1 or more.
  std::size_t uncounted_max = 16'384;
  /// Positions that one read scans, so that a read without results ends soon. 1 or more.
  std::uint64_t scan_max = 65'536;
  /// Requests of the broker itself, and of all peers together, that may wait; more are refused. 1
  /// or more.
  std::size_t questions_max = 1'024;
};

} // namespace troupe::broker
