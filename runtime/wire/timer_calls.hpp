#pragma once

#include "runtime/wire/journal_calls.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// The operation `timers` of `troupe.node.NAME` (FORMAT.md, "Nodes").

namespace troupe::wire {

/// `timers`: the events that actors of a capability publish later, the earliest first.
struct get_timers {
  std::string capability;
  /// The times between which they are due: at `from` or later, earlier than `before`.
  std::optional<std::int64_t> from{};
  std::optional<std::int64_t> before{};
  /// The number after which the answer begins, among those due at `from`: the next page.
  std::optional<std::int64_t> after{};
  /// 1 to 100.
  std::uint32_t count = 100;
};

TROUPE_MESSAGE(get_timers, capability, from, before, after, count)

struct timers_found {
  std::string capability;
  std::string node;
  /// The events, without bodies.
  std::vector<waiting_event> events;
  /// The `from` and `after` of the next page; absent if there are no more.
  std::optional<std::int64_t> next_from{};
  std::optional<std::int64_t> next{};
};

TROUPE_MESSAGE(timers_found, capability, node, events, next_from, next)

} // namespace troupe::wire
