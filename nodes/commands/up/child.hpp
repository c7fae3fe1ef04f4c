#pragma once

#include "runtime/clock.hpp"
#include "runtime/outcome.hpp"

#include <string>
#include <sys/types.h>
#include <vector>

namespace troupe {

/// A program to run, and where its output goes.
struct child_command {
  std::string program;
  /// Without the program's name.
  std::vector<std::string> arguments;
  /// Its stdout and stderr are appended here.
  std::string log_file;
};

/// Starts `command` in its own process group, so that Ctrl-C reaches only the parent, which stops
/// its children in order. The child is killed when this process ends, for whatever reason.
/// @errors `internal`: the system has no room for another process; the log file cannot be opened.
outcome<pid_t> start_child(const child_command& command);

/// A wait status in words: "exit 0", "exit 2, see its log", "SIGKILL".
std::string exit_reason(int status);

} // namespace troupe
