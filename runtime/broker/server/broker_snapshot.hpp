#pragma once

#include "runtime/broker/calls/call_times.hpp"
#include "runtime/broker/events/event_measures.hpp"
#include "runtime/wire/status.hpp"

#include <optional>
#include <vector>

namespace troupe::broker {

/// The state of a broker, as its loop reports it to other threads of the process.
struct broker_snapshot {
  wire::broker_status status{};
  /// The times of each capability of `status`.
  std::vector<call_times> times{};
  /// The measures of events; nothing if another broker keeps the journal.
  std::optional<event_measures> events{};
};

} // namespace troupe::broker
