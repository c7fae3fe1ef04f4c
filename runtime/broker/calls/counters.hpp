#pragma once

#include <cstdint>

namespace troupe::broker {

/// What has happened since the start. Each field is an entry of `troupe.broker status`.
struct counters {
  /// Calls that came in, attached and refused ones included.
  std::uint64_t calls = 0;
  /// Calls whose id was under way already.
  std::uint64_t attached = 0;
  std::uint64_t delivered = 0;
  /// Deliveries of a call that had been delivered before.
  std::uint64_t redelivered = 0;
  std::uint64_t replies = 0;
  std::uint64_t pending = 0;
  /// Answers handed to a waiter.
  std::uint64_t answered = 0;
  /// Calls refused by this broker, for whatever reason.
  std::uint64_t refused = 0;
  std::uint64_t overloaded = 0;
  std::uint64_t conflicts = 0;
  /// Waiters whose time was up.
  std::uint64_t expired = 0;
  /// Replies for ids not known here (any more): dropped, as a retry meets the inbox.
  std::uint64_t late_replies = 0;
  /// Replies from somebody who is not logged in as a worker.
  std::uint64_t stray_replies = 0;
  /// Calls a worker refused without effect and that went to another one.
  std::uint64_t tried_elsewhere = 0;
  std::uint64_t workers_joined = 0;
  std::uint64_t workers_lost = 0;
  std::uint64_t workers_left = 0;
  std::uint64_t logins_refused = 0;
  std::uint64_t suspects = 0;
  std::uint64_t convicted = 0;
  /// Calls a worker still had in hand when it logged in again.
  std::uint64_t adopted = 0;
};

} // namespace troupe::broker
