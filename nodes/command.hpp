#pragma once

#include "runtime/outcome.hpp"
#include "topology/topology.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// What the `troupe` command ends with.
namespace exit_code {
inline constexpr int ok = 0;
/// The topology has faults.
inline constexpr int faults = 1;
/// The command line cannot be used.
inline constexpr int usage = 2;
/// The business said no (`rejected`).
inline constexpr int rejected = 3;
/// Any other error.
inline constexpr int error = 4;
/// No answer in time.
inline constexpr int deadline = 5;
} // namespace exit_code

struct check_arguments {
  std::string file;
  bool json = false;
};

/// Prints what the file says, or everything that is wrong with it.
int run_check(const check_arguments& given);

struct up_arguments {
  std::string file;
  /// Empty: the folder `log` beside the file.
  std::string log_folder;
  bool json = false;
};

/// Runs the local nodes until a signal says stop.
int run_up(const up_arguments& given);

struct call_arguments {
  /// FILE unless brokers are given, then CAPABILITY.OPERATION, then the body as JSON.
  std::vector<std::string> words;
  std::vector<std::string> brokers;
  std::string key;
  std::string id;
  std::string deadline = "5s";
  bool json = false;
};

/// Calls one operation: JSON in, JSON out.
int run_call(const call_arguments& given);

struct status_arguments {
  std::string file;
  std::string deadline = "1s";
  bool json = false;
};

/// Asks every broker and node how it is.
int run_status(const status_arguments& given);

/// The plan in `file`, or nothing after its faults were printed (to stdout if as JSON, else to
/// stderr).
std::optional<topology::plan> load_plan(const std::string& file, bool json);

/// Prints `why` for a person to stderr, or as one JSON line to stdout; the exit code for it.
int print_error(const error& why, bool json);

} // namespace troupe
