#pragma once

#include "nodes/commands/output.hpp"
#include "topology/plan.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <sys/stat.h>

namespace troupe {

/// The topology as `troupe up` read it at its start. Its nodes run this version, also after a
/// restart, even if the file changes meanwhile. Lives as long as the process.
class kept_topology {
public:
  /// Reads the file, and prints its faults as `load_plan` does.
  static or_exit<kept_topology> read(const std::string& file, bool json);

  const topology::plan& plan() const { return plan_; }

  /// The open file with the text, inherited by children.
  int descriptor() const { return descriptor_; }

  /// A message about the file if it has changed since the last call.
  std::optional<std::string> news();

private:
  kept_topology(std::string file, std::string text, topology::plan plan);

  static struct stat look_at(const std::string& file);

  std::string file_;
  std::string text_;
  topology::plan plan_;
  int descriptor_ = -1;

  struct stat seen_ {};

  std::string told_;
};

/// The message about a file whose text has changed. Pure.
/// @param digest of the running plan.
/// @param now the file's plan, or nothing if it has faults.
std::string change_text(std::uint64_t digest, const std::optional<std::uint64_t>& now);

} // namespace troupe
