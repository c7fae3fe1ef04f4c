#pragma once

#include <functional>
#include <string>

namespace troupe {

/// What troupe-broker and troupe-worker end with, beside 0.
namespace node_exit {
inline constexpr int ok = 0;
/// The command line or the topology cannot be used.
inline constexpr int bad_file = 2;
/// EX_UNAVAILABLE of sysexits.h: its endpoint, a database or every broker refuses it.
inline constexpr int refused = 69;
/// EX_SOFTWARE.
inline constexpr int internal = 70;
} // namespace node_exit

struct node_arguments {
  /// The topology.
  std::string file;
  /// Which of its nodes or brokers to be.
  std::string node;
  bool log_json = false;
};

/// The main() of a node's program: reads the command line, calls `run` and gives its exit code.
///
/// @param does what the program is for, in a sentence.
/// @param which says what --node names.
int node_main(
    int count,
    char** words,
    const std::string& does,
    const std::string& which,
    const std::function<int(const node_arguments&)>& run);

} // namespace troupe
