#pragma once

#include <cstdint>
#include <optional>
#include <sys/types.h>

namespace troupe::store {

/// A process as /proc shows it. Pid and start time together name one process since boot.
struct process_info {
  pid_t pid = 0;
  /// Clock ticks since boot.
  std::uint64_t start_time = 0;
  /// 'R', 'S', 'D', 'T' (stopped), 't' (traced), 'Z' ...
  char state = '?';

  bool stopped() const { return state == 'T' || state == 't'; }

  /// Stopped by a signal, not by a debugger.
  bool suspended() const { return state == 'T'; }
};

/// The process by /proc/PID/stat; nothing if there is none.
/// @source proc(5).
std::optional<process_info> process_called(pid_t pid);

/// The process that holds a flock on the file behind `descriptor`, by /proc/locks. Nothing if there
/// is none, or if /proc/locks does not show it (no /proc, another pid namespace).
///
/// @param likely preferred where the file system shows another device number than stat() (btrfs,
/// overlays), so that only the inode can be compared.
std::optional<pid_t> flock_holder(int descriptor, std::optional<pid_t> likely);

/// Whether the process has the file behind `descriptor` open, too; false if /proc does not tell.
bool has_open(pid_t pid, int descriptor);

/// Whether any process holds a POSIX lock on the file, by /proc/locks. By its inode alone, as some
/// file systems show another device number there.
bool is_locked_by_any(ino_t inode);

/// True where there is a /proc/locks to ask.
bool locks_are_visible();

/// Kills exactly the process `victim`, not a later one with the same pid. False if it is gone or
/// this process lacks the right.
bool kill_process(const process_info& victim);

} // namespace troupe::store
