#pragma once

#include "runtime/broker/calls/call_times.hpp"
#include "runtime/broker/events/event_measures.hpp"
#include "runtime/wire/status.hpp"

#include <optional>
#include <vector>

namespace troupe::broker {

/// How a broker is, as its loop tells other threads of the process.
struct broker_snapshot {
  wire::broker_status status{};
  /// Of each capability of `status`.
  std::vector<call_times> times{};
  /// Nothing if another broker keeps the journal.
  std::optional<event_measures> events{};
};

} // namespace troupe::broker
