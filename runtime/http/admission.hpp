#pragma once

#include "runtime/http/http_options.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>

namespace troupe::http {

/// Who may have a connection. Pure.
class admission {
public:
  explicit admission(const connection_limits& most) : most_{most} {}

  enum class answer : std::uint8_t { admitted, too_many, too_many_of_address };

  /// Admits a connection from `address` (an IP address as text), which then has to `leave`, or not.
  answer enter(const std::string& address);
  void leave(const std::string& address);

  std::size_t count() const { return count_; }

private:
  connection_limits most_;
  std::size_t count_ = 0;
  std::unordered_map<std::string, std::size_t> by_address_;
};

/// The key by which an address is counted: itself, or its /64 for IPv6, since one machine has all
/// of it.
std::string counted_as(const std::string& address);

} // namespace troupe::http
