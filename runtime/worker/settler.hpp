#pragma once

#include "runtime/worker/admissions.hpp"
#include "runtime/worker/event_backlog.hpp"
#include "runtime/worker/message_span.hpp"
#include "runtime/worker/outbound_builder.hpp"
#include "runtime/worker/replicas.hpp"
#include "runtime/worker/runner_effects.hpp"
#include "runtime/worker/write.hpp"

namespace troupe {

/// Settles the messages of a finished writing turn: answers them, reports their outcome to the
/// breaker and the supervisor, or queues them again.
///
/// Confined to the runner's thread; borrows everything.
class settler {
public:
  /// The delay before an item of the group itself is tried again.
  static constexpr milliseconds again_after{200};

  /// The parts of a runner that this uses.
  struct parts {
    group& of;
    admissions& breaker;
    outbound_builder& out;
    replicas& instances;
    event_backlog& backlog;
    runner_effects& effects;
    runner_metrics& metrics;
    message_spans& spans;
  };

  explicit settler(const parts& with) : with_{with} {}

  void settle(write& each);

private:
  void note_time(const write& each);
  void settle_own(write& each);
  void log_saga_failure(const write& each);

  parts with_;
};

} // namespace troupe
