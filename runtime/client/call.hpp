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
  /// Calls of one key go to the same replica. Empty: to any.
  std::string_view key{};
  /// Time from now by which the call ends, with an answer or an error. 1 ms to 49 days.
  milliseconds deadline{5000};
  /// The idempotency key. Give the id of an earlier call to repeat it; without one an id is made.
  std::optional<uuid> id{};
  /// Any number of the caller's; handed back in the completion.
  std::uint64_t token = 0;
  /// W3C trace context; empty if there is none.
  std::string_view traceparent{};
  /// Whether a refusal that asks for patience (`overloaded`, `circuit_open`, `unavailable`) makes
  /// the client send the call again, under its id, until the deadline. Default: `call` does,
  /// `submit` does not.
  std::optional<bool> retry{};
};

/// The bytes of a reply, in the frame they came in: no copy.
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
