#pragma once

#include "runtime/broker/calls/actions.hpp"
#include "runtime/broker/calls/call.hpp"
#include "runtime/clock.hpp"
#include "runtime/observe/span_ring.hpp"

#include <string_view>

namespace troupe::broker {

/// The spans of a broker: the waiting time of a call, each time that it is sent to a worker; and
/// each accepted call that the broker ended with an error of its own. Confined to the server's
/// thread; borrows both.
class queue_spans {
public:
  queue_spans(const clock& time, observe::span_rings& rings)
      : time_{time}, rings_{rings}, ring_{rings.add()} {}

  /// A call is sent to a worker: it has a span if its trace is recorded or if it waited long.
  void add(const call& sent, instant now);
  /// Recorded whether or not the trace is: the decision not to record was made without knowing the
  /// failure.
  void add(const failed_call& ended, instant now);

  const observe::span_rings& all() const { return rings_; }

private:
  void
  add(std::string_view what,
      const uuid& id,
      std::string_view header,
      instant::duration took,
      const errc* why);

  const clock& time_;
  observe::span_rings& rings_;
  observe::span_ring& ring_;
};

} // namespace troupe::broker
