#pragma once

#include "runtime/observe/histogram.hpp"
#include "runtime/tally.hpp"

namespace troupe::broker {

/// The time that calls of one capability took here.
struct call_times {
  /// The time from a call's arrival until a worker was sent it first.
  observe::histogram queue;
  /// The time from a call's arrival to its answer, an error for `failed`; each call once, however
  /// many wait.
  observe::histogram answered;
  observe::histogram failed;
  /// The time until nobody waited any more, as the time of all was up.
  observe::histogram expired;
  /// Calls that this broker took in and ended with an error of its own.
  tally refused;

  /// The times of all calls, however they ended.
  observe::histogram ended() const {
    observe::histogram all = answered;
    all.add(failed);
    all.add(expired);
    return all;
  }
};

} // namespace troupe::broker
