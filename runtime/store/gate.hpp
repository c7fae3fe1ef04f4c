#pragma once

#include "runtime/store/sqlite/turnstile.hpp"

#include <chrono>
#include <optional>
#include <utility>

namespace troupe::store {

/// The lock between the processes that write one database.
///
/// SQLite's is a turnstile beside the file. PostgreSQL's is in the database and taken by begin(),
/// for as long as the transaction lasts; there this gate is always open. Owned by one writer, used
/// by one thread at a time. Movable.
class gate {
public:
  /// A gate that is always open.
  gate() = default;

  explicit gate(turnstile lock) : lock_{std::move(lock)} {}

  /// Whether the database itself has the lock.
  bool stands_open() const { return !lock_; }

  /// @errors of turnstile::lock.
  outcome<void> lock(std::chrono::milliseconds patience) {
    return lock_ ? lock_->lock(patience) : outcome<void>{};
  }

  void unlock() noexcept {
    if (lock_) {
      lock_->unlock();
    }
  }

  /// turnstile::set_limit.
  void set_limit(std::chrono::milliseconds limit) {
    if (lock_) {
      lock_->set_limit(limit);
    }
  }

  /// turnstile::kill_stalled_holder.
  std::optional<lock_holder> kill_stalled_holder(std::chrono::milliseconds limit) {
    return lock_ ? lock_->kill_stalled_holder(limit) : std::nullopt;
  }

  /// Shows waiting processes, as long as `shown` lives, that this process does long work. The lock
  /// is held.
  void show_long_work(std::optional<long_work>& shown) {
    if (lock_) {
      shown.emplace(*lock_);
    }
  }

private:
  std::optional<turnstile> lock_;
};

} // namespace troupe::store
