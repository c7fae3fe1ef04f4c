#pragma once

#include <string_view>
#include <vector>

namespace troupe {

/// A library that the programs were built with.
struct dependency {
  std::string_view name;
  /// The version, as its own headers or package say.
  std::string_view version;
  /// An SPDX license expression.
  std::string_view license;
  /// Whether it is a shared library of the system, which may be replaced by another version, or
  /// compiled in.
  bool is_shared = false;
};

/// All libraries except those of the compiler and the C library.
std::vector<dependency> dependencies();

} // namespace troupe
