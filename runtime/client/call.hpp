#pragma once

#include "runtime/clock.hpp"
#include "runtime/ids.hpp"
#include "runtime/outcome.hpp"
#include "runtime/transport/peer_loop.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace troupe::client {

/// What to ask of whom. Borrowed for the time of `submit` or `call`.
struct call_request {
  std::string_view capability;
  std::string_view operation;
  /// MessagePack: what the operation takes.
  std::string_view body;
  /// Calls of one key meet the same replica; empty if it does not matter.
  std::string_view key{};
  /// From now. The call ends by then, one way or another. 1 ms to 49 days.
  milliseconds deadline{5000};
  /// The idempotency key. Give one to ask again for what was asked before; else one is made.
  std::optional<uuid> id{};
  /// The caller's own; handed back in the completion.
  std::uint64_t token = 0;
  /// W3C trace context; empty if there is none.
  std::string_view traceparent{};
  /// Whether refusals that ask for patience (`overloaded`, `circuit_open`, `unavailable`) are met
  /// with it: the call is sent again, under its id, until the deadline. Unless said, `call` does
  /// and `submit` does not.
  std::optional<bool> retry{};
};

/// The bytes of a reply, in the frame they came in: no copy.
struct reply_body {
  transport::frame_ref frame;
  std::string_view bytes;
};

/// How a submitted call ended.
struct completion {
  uuid id;
  std::uint64_t token = 0;
  outcome<reply_body> answer;
};

} // namespace troupe::client
