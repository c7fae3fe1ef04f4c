#pragma once

#include "runtime/observe/histogram.hpp"
#include "runtime/tally.hpp"

namespace troupe::broker {

/// The time that calls of one capability took here.
struct call_times {
  /// The time from a call's arrival until it was first sent to a worker.
  observe::histogram queue;
  /// The time from a call's arrival to its answer, an error for `failed`; each call counts once,
  /// however many callers wait.
  observe::histogram answered;
  observe::histogram failed;
  /// The time until the deadlines of all callers had passed.
  observe::histogram expired;
  /// Accepted calls that this broker ended with an error of its own.
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
