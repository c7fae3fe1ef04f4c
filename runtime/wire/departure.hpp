#pragma once

#include "runtime/outcome.hpp"
#include "runtime/wire/limits.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>

namespace troupe::wire {

/// A message that is to be sent, before it is made. Borrowed.
struct departure {
  /// A description of the message for the error ("the call of step"), and its name ("charge") if it
  /// has one.
  std::string_view what;
  std::string_view name{};
  /// Capability and operation of a call; neither in other messages.
  std::optional<std::string_view> to{};
  std::optional<std::string_view> op{};
  /// The topic of an event.
  std::optional<std::string_view> topic{};
  std::string_view key{};
  std::string_view traceparent{};
  std::size_t body_bytes = 0;
};

/// Checks whether the message can be sent. To be called before anything depends on the message: a
/// receiver refuses a header out of bounds without an answer, and a frame that is too large costs
/// its sender the connection.
///
/// @param body_max `limits.body` of the topology.
/// @errors `invalid`, effect none: the part that does not fit, its size and the size allowed, also
/// in `details` (part, bytes, bytes_max).
outcome<void> check_departure(const departure& made, std::size_t body_max);

/// The largest body of a message that is committed already, such as an event: it is sent even if
/// `limits.body` was lowered since, as long as it fits into a frame.
constexpr std::size_t carried_bytes_max(std::size_t body_max) {
  return std::max(body_max, control_bytes_max);
}

} // namespace troupe::wire
