#pragma once

#include "runtime/config.hpp"

#include <string>
#include <string_view>
#include <variant>

namespace troupe::topology {

/// Where a broker listens. Two spellings of one address compare equal.
struct endpoint {
  /// "127.0.0.1" (also for localhost), or "::1" without its brackets.
  std::string host;
  int port = 0;

  bool operator==(const endpoint&) const = default;
};

/// Reads tcp://HOST:PORT. A fault leaves `at` to the caller.
///
/// Takes loopback addresses alone: a link does not prove who is at its other end, so everybody who
/// reaches the port is trusted.
std::variant<endpoint, fault> read_endpoint(std::string_view text);

} // namespace troupe::topology
