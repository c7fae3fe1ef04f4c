#pragma once

#include "runtime/error.hpp"
#include "runtime/ids.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

// Types that the router and the bus share.

namespace troupe::broker {

/// The origin of a call, as a number of the server. Router and bus only compare and return it.
enum class origin : std::uint64_t {};

/// A login, by the server's number for it. A number is free again once `forget` was carried out.
enum class login_id : std::uint32_t {};

/// The value of an index that refers to nothing.
inline constexpr std::uint32_t nowhere = 0xffff'ffffU;

/// A line for the log: "worker_lost" {node: n1, why: ...}.
struct log_event {
  std::string name;
  std::vector<std::pair<std::string, std::string>> fields;
};

/// The decisions of a pure part of the broker about one input. Its shell carries the actions out in
/// order, before the next input, then clears the lists, whose memory serves the next input.
template <class Action>
struct decided {
  std::vector<Action> actions;
  /// The errors that actions name by their index.
  std::vector<error> errors;
  std::vector<log_event> log;

  void clear() {
    actions.clear();
    errors.clear();
    log.clear();
  }
};

} // namespace troupe::broker
