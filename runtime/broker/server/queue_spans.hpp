#pragma once

#include "runtime/broker/calls/call.hpp"
#include "runtime/clock.hpp"
#include "runtime/observe/span_ring.hpp"

#include <string_view>

namespace troupe::broker {

/// The spans of a broker: how long a call whose trace is recorded waited here, each time that it
/// was sent to a worker. Confined to the server's thread; borrows both.
class queue_spans {
public:
  queue_spans(const clock& time, observe::span_rings& rings)
      : time_{time}, rings_{rings}, ring_{rings.add()} {}

  void add(const call& sent, instant now);

  const observe::span_rings& all() const { return rings_; }

private:
  const clock& time_;
  observe::span_rings& rings_;
  observe::span_ring& ring_;
};

} // namespace troupe::broker
