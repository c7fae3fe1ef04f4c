#include "runtime/store/sqlite/checkpoints.hpp"

#include <algorithm>
#include <chrono>

namespace troupe::store {

namespace {

constexpr std::chrono::milliseconds readers_patience{250};

} // namespace

checkpoints::checkpoints(sqlite3* connection, const sqlite_options& options)
    : connection_{connection}, options_{options}, next_{options.checkpoint_pages} {
}

void checkpoints::watch() {
  sqlite3_wal_hook(connection_, &after_commit, this);
}

int checkpoints::run() {
  const auto mode = wal_pages_ >= options_.truncate_pages ? SQLITE_CHECKPOINT_TRUNCATE
                                                          : SQLITE_CHECKPOINT_PASSIVE;
  // Waiting for readers would prolong the hold on the writers' lock.
  sqlite3_busy_timeout(connection_, 0);
  int pages = 0;
  const auto code = sqlite3_wal_checkpoint_v2(connection_, "main", mode, &pages, nullptr);
  sqlite3_busy_timeout(connection_, static_cast<int>(options_.busy_timeout.count()));
  // Whether or not this checkpoint was complete, another one is worth its fsyncs only after more
  // pages.
  wal_pages_ = std::max(pages, 0);
  next_ = wal_pages_ + options_.checkpoint_pages;
  return code;
}

int checkpoints::run_all() {
  // Limits the shutdown. A reader that takes longer copies the WAL back when it closes.
  (void)sqlite3_busy_timeout(connection_, static_cast<int>(readers_patience.count()));
  return sqlite3_wal_checkpoint_v2(
      connection_, "main", SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
}

int checkpoints::after_commit(void* self, sqlite3*, const char*, int pages) noexcept {
  auto& own = *static_cast<checkpoints*>(self);
  if (pages < own.wal_pages_) {
    // SQLite restarted the WAL, so its earlier contents are in the database file.
    own.next_ = own.options_.checkpoint_pages;
  }
  own.wal_pages_ = pages;
  return SQLITE_OK;
}

} // namespace troupe::store
