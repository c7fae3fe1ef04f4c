#pragma once

#include "runtime/observe/histogram.hpp"
#include "runtime/tally.hpp"

namespace troupe::broker {

/// How long the calls of one capability took here.
struct call_times {
  /// From its arrival until a worker was sent it first.
  observe::histogram queue;
  /// From its arrival to its answer, an error for `failed`; each call once, however many wait.
  observe::histogram answered;
  observe::histogram failed;
  /// Until nobody waited any more, as the time of all was up.
  observe::histogram expired;
  /// Calls that this broker took in and ended with an error of its own.
  tally refused;

  /// Of all calls that took their time here, however they ended.
  observe::histogram ended() const {
    observe::histogram all = answered;
    all.add(failed);
    all.add(expired);
    return all;
  }
};

} // namespace troupe::broker
