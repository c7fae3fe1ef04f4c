#pragma once

#include "runtime/config.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace troupe::topology {

/// All faults of a topology file, in the order of the file.
struct faults {
  std::string file;
  std::vector<fault> all;

  /// One line for each fault: "file:line:column: what is wrong; what to do about it".
  std::string to_text() const;
};

/// The remedy for `word`, which is not one of `known`: the closest of them, else `otherwise`.
std::string remedy_for_unknown(
    std::string_view word, const std::vector<std::string>& known, std::string otherwise);

} // namespace troupe::topology
