#pragma once

#include "runtime/clock.hpp"
#include "runtime/ids.hpp"
#include "runtime/outcome.hpp"
#include "runtime/transport/peer_loop.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace troupe::client {

/// One call: the capability, the operation and its parameters. Borrowed for the time of `submit` or
/// `call`.
struct call_request {
  std::string_view capability;
  std::string_view operation;
  /// The request, in MessagePack.
  std::string_view body;
  /// Calls with the same key go to the same replica. Empty: to any.
  std::string_view key{};
  /// Time from now by which the call ends, with an answer or an error. 1 ms to 49 days.
  milliseconds deadline{5000};
  /// The idempotency key. Give the id of an earlier call to repeat it; without one an id is made.
  std::optional<uuid> id{};
  /// Any number of the caller's choice; returned in the completion.
  std::uint64_t token = 0;
  /// W3C trace context; empty if there is none.
  std::string_view traceparent{};
  /// Whether the client sends the call again after `overloaded`, `circuit_open` or `unavailable`,
  /// under its id, until the deadline. Default: `call` does, `submit` does not.
  std::optional<bool> retry{};
};

/// The bytes of a reply, a view into the received frame without a copy.
struct reply_body {
  transport::frame_ref frame;
  std::string_view bytes;
};

/// The end of a submitted call: its answer or its error.
struct completion {
  uuid id;
  std::uint64_t token = 0;
  outcome<reply_body> answer;
};

} // namespace troupe::client
