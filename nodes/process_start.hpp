#pragma once

#include <cstdint>

namespace troupe {

/// The kinds of programs, which differ from the start.
enum class program_kind : std::uint8_t {
  /// A broker, worker or gateway. Writing to a closed pipe (SIGPIPE) fails without ending the
  /// process, since readers of a log may come and go. It starts no processes. If it adopts some, as
  /// the first process of a container, the kernel reaps them; a handler that starts a process
  /// itself (`popen`) is then not told of its end.
  node,
  /// `troupe`. A closed pipe ends it, as usual in front of `head`. It waits for the processes that
  /// it starts, and `troupe up` also for those that it adopts.
  command,
};

/// The start of the four programs of Troupe, before anything else:
///
/// - Closed descriptors among 0 to 2 are opened: otherwise the next file, such as a database, would
/// get the number, and with it everything written to stderr. Writing to one of them fails.
/// - Exceeding the file size limit (SIGXFSZ) makes the write fail, as a full disk does.
/// - New files are accessible to the owner and the group only, whatever the umask, since they hold
/// callers' data.
/// - Freed memory is returned to the system only from 4 MiB on.
///
/// Inherited unchanged: the working folder, the environment (HOME is not used), the limits of core
/// dumps and of open files (a node raises the soft one), and an ignored SIGHUP (nohup).
void begin_process(program_kind kind);

/// Has SIGUSR1 and SIGUSR2 do nothing: rotations of logs send them to all who keep a log open, by
/// default they end a process, and with `troupe up` all of its. Nodes do so at their start.
void ignore_log_signals();

} // namespace troupe
