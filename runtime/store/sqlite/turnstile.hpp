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
  /// Rises with every turn of that process, and while it is at long work.
  std::uint64_t turn = 0;
  /// How long one of its turns may last, as it says itself; nothing if it does not say.
  std::optional<std::chrono::milliseconds> limit{};
  /// True if it holds the lock; false if it is next in the queue and does not move on.
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
/// Two flocks: take NAME.next, take NAME.lock, release NAME.next. Whoever gives the lock back finds
/// a waiter before it at NAME.next, so that nobody is passed by. The kernel frees both when their
/// process dies. A fork without exec would share them: do not.
///
/// Owned by one writer and used by one thread at a time; two writers of one process need a
/// turnstile each. Movable.
/// @source runtime/store/FORMAT.md, "Lock files".
class turnstile {
public:
  /// Opens, and if need be makes, the two files beside the database file `path`.
  /// @errors `internal` with the system's reason.
  static outcome<turnstile> open(const std::string& path);

  turnstile(const turnstile&) = delete;
  turnstile& operator=(const turnstile&) = delete;
  turnstile(turnstile&& other) noexcept;
  turnstile& operator=(turnstile&& other) noexcept;
  ~turnstile();

  /// Says in the lock file, with each turn, that a waiter may take this writer for stalled when one
  /// turn lasts longer than this.
  void set_limit(std::chrono::milliseconds limit) { limit_ = limit; }

  /// Waits for the lock, at most `patience` (0 or more). It must not be held by this turnstile.
  ///
  /// While it waits the thread is woken by timer signals (SIGRTMAX - 2, whose handler does
  /// nothing): the kernel has no flock with a timeout, and polling would cost each handover half a
  /// period.
  /// @errors `unavailable` (the message says who is in the way); `internal`.
  outcome<void> lock(std::chrono::milliseconds patience);

  void unlock() noexcept;

  bool held() const { return held_; }

  /// The id of the database that was here when a writer noted it last; nothing if none has.
  std::optional<uuid> noted_database() const;

  /// Notes that the database with this id is here. The lock must be held.
  void note_database(const uuid& id) noexcept;

  /// The process in the way now, by /proc/locks or else by the lock file. Nothing if the way is
  /// free or the process is gone.
  std::optional<lock_holder> holder() const;

  /// Kills (SIGKILL) the writer that has been in the way, in one and the same turn, for more than
  /// its limit since this turnstile first saw it there: in lock(), or in this function. A writer
  /// that a signal has stopped is killed after a second. Never this process, and never one that is
  /// no writer: a writer has both lock files open, a person's `flock` one.
  ///
  /// @param limit of a writer that does not say its own.
  /// @return whom it killed; the lock is free once that process is gone.
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
  /// The process last seen in the way, and since when.
  std::optional<lock_holder> seen_;
  instant seen_since_;
  /// When it was last seen there and not stopped by a signal, or first seen at all.
  instant moving_at_;
};

/// Shows the waiters, for a scope, that the holder of a turnstile is at work that may lawfully take
/// longer than a turn: a migration, the copying back of a large WAL. A thread of its own raises the
/// number in the lock file twice a second, so a process that is stopped does not.
///
/// The lock is held all the while; the turnstile is not used otherwise.
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
