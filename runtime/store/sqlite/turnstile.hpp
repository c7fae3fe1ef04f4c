#pragma once

#include "runtime/clock.hpp"
#include "runtime/ids.hpp"
#include "runtime/outcome.hpp"
#include "runtime/store/sqlite/process_info.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>

namespace troupe::store {

/// The process that keeps a writer waiting.
struct lock_holder {
  process_info process;
  /// Rises with every turn of that process, and while it does long work.
  std::uint64_t turn = 0;
  /// How long one of its turns may last, as announced; nothing if not announced.
  std::optional<std::chrono::milliseconds> limit{};
  /// True if it holds the lock; false if it is next in the queue and does not proceed.
  bool inside = true;

  bool same_turn(const lock_holder& other) const {
    return process.pid == other.process.pid && process.start_time == other.process.start_time
           && turn == other.turn && inside == other.inside;
  }
};

/// "process 4711, stopped, in turn 12": for messages.
std::string describe(const lock_holder& holder);

/// The fair lock between the processes that write one database.
///
/// Two flocks: take NAME.next, take NAME.lock, release NAME.next. A process that wants the lock
/// again queues at NAME.next behind those already waiting, so that none is overtaken. The kernel
/// releases both locks when their process dies. A fork without exec would share them: do not fork.
///
/// Owned by one writer and used by one thread at a time; two writers of one process need a
/// turnstile each. Movable.
/// @source runtime/store/FORMAT.md, "Lock files".
class turnstile {
public:
  /// Opens the two files beside the database file `path`; creates them if missing.
  /// @errors `internal` with the system's reason.
  static outcome<turnstile> open(const std::string& path);

  turnstile(const turnstile&) = delete;
  turnstile& operator=(const turnstile&) = delete;
  turnstile(turnstile&& other) noexcept;
  turnstile& operator=(turnstile&& other) noexcept;
  ~turnstile();

  /// Announces in the lock file, with each turn, after how long a turn of this writer counts as
  /// stalled.
  void set_limit(std::chrono::milliseconds limit) { limit_ = limit; }

  /// Waits for the lock, at most `patience` (0 or more). This turnstile must not hold it.
  ///
  /// While it waits the thread is woken by timer signals (SIGRTMAX - 2, whose handler does
  /// nothing): the kernel has no flock with a timeout, and polling would delay each handover by
  /// half a period.
  /// @errors `unavailable` (the message names the holder); `internal`.
  outcome<void> lock(std::chrono::milliseconds patience);

  void unlock() noexcept;

  bool held() const { return held_; }

  /// The id of the database that a writer noted last; nothing if none has.
  std::optional<uuid> noted_database() const;

  /// Records the id of the database. The lock must be held.
  void note_database(const uuid& id) noexcept;

  /// The process currently holding up writers, by /proc/locks or else by the lock file. Nothing if
  /// the lock is free or the process is gone.
  std::optional<lock_holder> holder() const;

  /// Kills (SIGKILL) the writer that has held up others, in one and the same turn, for more than
  /// its limit since this turnstile first saw it, in lock() or in this function. A writer stopped
  /// by a signal is killed after a second. Never kills this process, nor a process that is not a
  /// writer: a writer has both lock files open, an operator's `flock` one.
  ///
  /// @param limit for a writer that does not announce its own.
  /// @return the process it killed; the lock is free once that process is gone.
  std::optional<lock_holder> kill_stalled_holder(std::chrono::milliseconds limit);

private:
  friend class long_work;

  turnstile(std::string path, int next, int lock);

  outcome<void> wait_for(int descriptor, instant deadline);
  error gave_up(std::chrono::milliseconds patience) const;
  bool is_writer(const process_info& process) const;
  void observe();
  void write_name() noexcept;
  void close_files() noexcept;

  std::string path_;
  int next_ = -1;
  int lock_ = -1;
  bool held_ = false;
  process_info self_;
  std::uint64_t turn_ = 0;
  std::optional<std::chrono::milliseconds> limit_;
  /// The process last seen holding up writers, and since when.
  std::optional<lock_holder> seen_;
  instant seen_since_;
  /// When it was last seen not stopped by a signal, or first seen at all.
  instant moving_at_;
};

/// Tells waiters, for a scope, that the holder of a turnstile is doing work that may take longer
/// than a turn: a migration, or the checkpoint of a large WAL. A separate thread raises the number
/// in the lock file twice a second, so a stopped process does not raise it.
///
/// The lock is held throughout; the turnstile is not used otherwise.
class long_work {
public:
  explicit long_work(turnstile& gate);
  long_work(const long_work&) = delete;
  long_work& operator=(const long_work&) = delete;
  ~long_work();

private:
  std::jthread sign_;
};

/// Holds a turnstile for a scope.
class turnstile_guard {
public:
  static outcome<turnstile_guard> lock(turnstile& gate, std::chrono::milliseconds patience);

  turnstile_guard(const turnstile_guard&) = delete;
  turnstile_guard& operator=(const turnstile_guard&) = delete;

  turnstile_guard(turnstile_guard&& other) noexcept : gate_{other.gate_} { other.gate_ = nullptr; }

  turnstile_guard& operator=(turnstile_guard&&) = delete;

  ~turnstile_guard() {
    if (gate_ != nullptr) {
      gate_->unlock();
    }
  }

private:
  explicit turnstile_guard(turnstile& gate) : gate_{&gate} {}

  turnstile* gate_;
};

} // namespace troupe::store
