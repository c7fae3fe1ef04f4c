#pragma once

#include "runtime/broker/calls/actions.hpp"
#include "runtime/broker/calls/call.hpp"
#include "runtime/clock.hpp"
#include "runtime/observe/span_ring.hpp"

#include <string_view>

namespace troupe::broker {

/// The spans of a broker: how long a call waited here, each time that it was sent to a worker; and
/// each call that the broker took in and ended with an error of its own. Confined to the server's
/// thread; borrows both.
class queue_spans {
public:
  queue_spans(const clock& time, observe::span_rings& rings)
      : time_{time}, rings_{rings}, ring_{rings.add()} {}

  /// A call is sent to a worker, whose trace is recorded or which waited long.
  void add(const call& sent, instant now);
  /// Whether or not its trace is recorded: whoever decided that it is not did not know how it ends.
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
