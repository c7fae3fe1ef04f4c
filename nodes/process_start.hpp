#pragma once

#include <cstdint>

namespace troupe {

/// The fate of a process whose reader leaves (SIGPIPE).
enum class lost_reader : std::uint8_t {
  /// A write fails, and nothing ends: who reads a log may come and go.
  fails_the_write,
  /// The process ends, as a command in front of `head` does.
  ends_the_process,
};

/// The start of every program of Troupe, before anything else, in one place:
///
/// - Of the descriptors 0 to 2, those that are closed are opened: the next file, a database, would
///   get the number, and what is written to stderr with it. Writing to one of them fails.
/// - A file that may not grow (SIGXFSZ) makes its write fail, as a full disk does.
/// - New files are for the owner and the group, whatever the umask would give to others: they hold
///   what callers sent.
/// - Memory that is freed goes back to the system from 4 MiB on, and not at once.
///
/// Left as whoever starts the process has it: the folder, the environment (HOME is not asked for),
/// the limits, of core dumps and of open files, whose soft one a node raises, and an ignored SIGHUP
/// (nohup).
void begin_process(lost_reader reader);

} // namespace troupe
