#pragma once

#include <atomic>
#include <cstdint>

namespace troupe {

/// Counts of one group since its process began, for `troupe status`. Any thread.
struct group_counters {
  std::atomic<std::uint64_t> answered{0};
  std::atomic<std::uint64_t> failed{0};
  std::atomic<std::uint64_t> repeats{0};
  std::atomic<std::uint64_t> turns{0};
  std::atomic<std::uint64_t> effects{0};
  std::atomic<std::uint64_t> takeovers{0};
  /// The number of waiting sagas, whether the limit is reached, and how many were refused because
  /// of it.
  std::atomic<std::uint64_t> sagas_queued{0};
  std::atomic<bool> sagas_full{false};
  std::atomic<std::uint64_t> sagas_refused{0};
  std::atomic<std::uint64_t> events{0};
  /// Events of topics for which the actor has no handler.
  std::atomic<std::uint64_t> events_ignored{0};
  std::atomic<std::uint64_t> events_postponed{0};
  std::atomic<std::uint64_t> event_repeats{0};
  /// Events dropped because another worker owns their partition by now, or their login has ended.
  std::atomic<std::uint64_t> events_of_others{0};
  std::atomic<std::uint64_t> relayed{0};
  /// The newest number in the outbox, and the last one that the journal has confirmed.
  std::atomic<std::uint64_t> outbox_newest{0};
  std::atomic<std::uint64_t> outbox_confirmed{0};
};

} // namespace troupe
