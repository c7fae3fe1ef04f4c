#pragma once

#include "runtime/worker/admissions.hpp"
#include "runtime/worker/busy_clock.hpp"
#include "runtime/worker/event_turn.hpp"
#include "runtime/worker/message_span.hpp"
#include "runtime/worker/outbound_builder.hpp"
#include "runtime/worker/replicas.hpp"
#include "runtime/worker/turn_output.hpp"

#include <string>

namespace troupe {

/// Runs handlers outside a writing turn: queries always, commands and events if there is no store.
/// Answers at once, and discards an instance whose handler throws.
///
/// Confined to the runner's thread; borrows everything.
class direct_handlers {
public:
  /// The parts of a runner that this uses.
  struct parts {
    group& of;
    /// Null if there is no store.
    runner_store* store;
    busy_clock& busy;
    admissions& breaker;
    outbound_builder& out;
    replicas& instances;
    turn_output& output;
    runner_metrics& metrics;
    message_spans& spans;
  };

  /// The replica that runs a call, and the breaker's admission of the call.
  struct admitted_by {
    const replica& instance_of;
    const supervision::admitted& call;
    /// The command, with its span; null for a query.
    const write* in = nullptr;
  };

  explicit direct_handlers(const parts& with) : with_{with} {}

  void run_query(const item& each, const handlers::query& query, const admitted_by& by);
  void run_command(item& each, const handlers::command& command, const admitted_by& by);
  void run_event(item& each, event_turn& events);

private:
  template <class Handler>
  void run(const item& each, const admitted_by& by, effect possible, const Handler& handler);
  void crash(const item& each, const admitted_by& by, effect possible);
  std::chrono::nanoseconds handler_ended(const item& each, const admitted_by& by, const error* why);
  void answer_with(const item& each, const admitted_by& by, const error* why, effect possible);

  parts with_;
  std::string bytes_; // The reply at hand.
};

} // namespace troupe
