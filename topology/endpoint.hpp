#pragma once

#include "runtime/config.hpp"

#include <string>
#include <string_view>
#include <variant>

namespace troupe::topology {

/// Where a process listens. Two spellings of one address compare equal.
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

/// Reads HOST:PORT in the same way: whoever reaches an admin address may ask.
std::variant<endpoint, fault> read_admin_address(std::string_view text);

/// "127.0.0.1:9101" or "[::1]:9101".
std::string to_text(const endpoint& where);

} // namespace troupe::topology
