#pragma once

#include "nodes/command_line.hpp"
#include "topology/faults.hpp"
#include "topology/plan.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <variant>

namespace troupe {

/// The exit codes of troupe-broker and troupe-worker besides 0.
namespace node_exit {
inline constexpr int ok = 0;
/// The command line or the topology cannot be used.
inline constexpr int bad_file = 2;
/// EX_UNAVAILABLE of sysexits.h: its endpoint is taken, or a database or every broker refuses it.
inline constexpr int refused = 69;
/// EX_SOFTWARE.
inline constexpr int internal = 70;
} // namespace node_exit

struct node_arguments {
  /// The topology.
  std::string file;
  /// The name of the node or broker that this process is.
  std::string node;
  bool log_json = false;
  /// The descriptor of the file's text, if it was read before; 0: read `file`.
  std::uint64_t text_fd = 0;
};

/// The topology named by the arguments.
std::variant<topology::plan, topology::faults> read_topology(const node_arguments& given);

/// The options of such a program, for its manual.
/// @param program "troupe-broker", "troupe-worker" or "troupe-gateway".
command_page node_page(const std::string& program);

/// The main() of a node's program: reads the command line, calls `run` and returns its exit code.
///
/// @param does the purpose of the program, in a sentence.
/// @param which tells what --node names.
int node_main(
    int count,
    char** words,
    const std::string& does,
    const std::string& which,
    const std::function<int(const node_arguments&)>& run);

} // namespace troupe
