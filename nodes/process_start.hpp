#pragma once

#include <cstdint>

namespace troupe {

/// The kinds of programs, which differ from the start on.
enum class program_kind : std::uint8_t {
  /// A broker, worker or gateway. A write whose reader has closed (SIGPIPE) fails without ending
  /// the process: readers of a log may come and go. It starts no process. Where it adopts some, as
  /// the first process of a container, these are forgotten when they end: there a handler that
  /// starts one itself (`popen`) hears nothing of its end.
  node,
  /// `troupe`: a lost reader ends it, as `head` ends what is in front of it. It waits for the
  /// processes that it starts, and `troupe up` for those that it adopts.
  command,
};

/// The start of the four programs of Troupe, before anything else, in one place:
///
/// - Of the descriptors 0 to 2, those that are closed are opened: the next file, a database, would
///   get the number, and what is written to stderr with it. Writing to one of them fails.
/// - A file that may not grow (SIGXFSZ) makes its write fail, as a full disk does.
/// - New files are for the owner and the group, whatever the umask would give to others: they hold
///   what callers sent.
/// - Memory that is freed goes back to the system from 4 MiB on, and not at once.
///
/// Inherited unchanged: the folder, the environment (HOME is not asked for), the limits, of core
/// dumps and of open files, whose soft one a node raises, and an ignored SIGHUP (nohup).
void begin_process(program_kind kind);

/// Has SIGUSR1 and SIGUSR2 do nothing: rotations of logs send them to all who keep a log open, by
/// default they end a process, and with `troupe up` all of its. Nodes do so at their start.
void ignore_log_signals();

} // namespace troupe
