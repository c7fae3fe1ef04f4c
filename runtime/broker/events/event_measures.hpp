#pragma once

#include "runtime/observe/histogram.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace troupe::broker {

/// The state of one subscriber.
struct subscription_measures {
  std::string capability;
  /// The number of events that it has yet to handle; while it reads from the journal, this includes
  /// events of other topics.
  std::uint64_t lag = 0;
  /// The age of the oldest event in memory that is not handled, since it was journaled.
  std::chrono::milliseconds lag_time{};
  std::uint64_t in_flight = 0;
  std::uint64_t retrying = 0;
  std::uint64_t delivered = 0;
  std::uint64_t handled = 0;
  /// The dead letters in the journal, when it was last asked.
  std::uint64_t dead_letters = 0;
  /// The reason why it gets no events; empty if it does.
  std::string trouble;
};

/// The state of events at the broker with the journal.
struct event_measures {
  std::uint64_t last = 0;
  std::uint64_t pending = 0;
  /// The time from an event's arrival until it was on disk.
  observe::histogram confirmed;
  /// A batch's transaction with its fsync.
  observe::histogram commit;
  /// The time that the journal took to answer, or has taken so far.
  std::chrono::nanoseconds journal_took{};
  /// The reason why it could not be read or, lately, written; empty if it could.
  std::string journal_trouble;
  /// Events that are to be published later, when the journal was last asked.
  std::uint64_t scheduled = 0;
  /// Scheduled events that became due, and those that a person cancelled, since the start.
  std::uint64_t scheduled_published = 0;
  std::uint64_t scheduled_cancelled = 0;
  std::vector<subscription_measures> subscriptions;
};

} // namespace troupe::broker
