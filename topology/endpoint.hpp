#pragma once

#include "runtime/config.hpp"

#include <string>
#include <string_view>
#include <variant>

namespace troupe::topology {

/// Where a broker listens: tcp://HOST:PORT in one spelling, so that equal ones compare equal.
struct endpoint {
  /// "127.0.0.1" (also for localhost), or "::1" without its brackets.
  std::string host;
  int port = 0;

  bool operator==(const endpoint&) const = default;
};

/// The endpoint written as `text`, or what is wrong with it (`at` is left to the caller).
///
/// Only TCP with an explicit port on a loopback address: until links prove who is at their other
/// end, whoever reaches the port is trusted.
std::variant<endpoint, fault> read_endpoint(std::string_view text);

} // namespace troupe::topology
