#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace troupe::broker {

/// The part of `limits.memory` that each store of a broker may use, in bytes. Buffers of the
/// process itself (libraries, tables of the topology, SQLite's caches: some 30 MB) come on top.
struct memory_shares {
  /// Calls that wait, are delivered or await a later answer.
  std::size_t calls = 0;
  /// The part of `calls` for calls that await a later answer: they use no credit and stay until
  /// their deadline.
  std::size_t awaiting = 0;
  /// Answers that peers have not read.
  std::size_t unread = 0;
  /// Messages of peers that were read and not processed yet.
  std::size_t parked = 0;
  /// Events of publishers that wait for the disk, and as much again of outboxes.
  std::size_t events = 0;
  /// Events that all subscribers have in memory, handled or not.
  std::size_t windows = 0;
};

/// @param windows_least the minimum of all subscribers' windows together; half of `memory_max` at
/// most. If it exceeds their part, the part of calls is reduced.
constexpr memory_shares shares_of(std::uint64_t memory_max, std::size_t windows_least = 0) {
  const auto sixteenth = static_cast<std::size_t>(memory_max / 16);
  memory_shares made;
  // A larger share is useless: a peer that reads at all, and a disk, are faster than that.
  made.unread = std::min(sixteenth, std::size_t{256} << 20U);
  made.parked = std::min(sixteenth, std::size_t{512} << 20U);
  made.events = std::min(sixteenth, std::size_t{64} << 20U);
  made.windows = std::max(sixteenth, windows_least);
  made.calls = static_cast<std::size_t>(memory_max) - made.unread - made.parked - 2 * made.events
               - made.windows;
  made.awaiting = 4 * sixteenth;
  return made;
}

} // namespace troupe::broker
