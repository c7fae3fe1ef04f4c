#pragma once

#include "runtime/worker/admissions.hpp"
#include "runtime/worker/busy_clock.hpp"
#include "runtime/worker/event_turn.hpp"
#include "runtime/worker/outbound_builder.hpp"
#include "runtime/worker/replicas.hpp"
#include "runtime/worker/turn_output.hpp"

#include <string>
#include <string_view>

namespace troupe {

/// Runs handlers outside a writing turn: queries always, commands and events where there is no
/// store. Answers at once, and discards an instance whose handler throws.
///
/// Confined to the runner's thread; borrows everything.
class direct_handlers {
public:
  /// The parts of a runner that this works with.
  struct parts {
    group& of;
    /// Null where there is no store.
    runner_store* store;
    busy_clock& busy;
    admissions& breaker;
    outbound_builder& out;
    replicas& instances;
    turn_output& output;
  };

  explicit direct_handlers(const parts& with) : with_{with} {}

  void run_query(
      const item& each,
      const handlers::query& query,
      const replica& by,
      const supervision::admitted& admitted);

  void run_command(
      const item& each,
      const handlers::command& command,
      const replica& by,
      const supervision::admitted& admitted);

  void run_event(item& each, event_turn& events);

private:
  void answer_with(
      const item& each, const supervision::admitted& admitted, const error* why, effect possible);
  void crash(
      const item& each,
      const replica& by,
      const supervision::admitted& admitted,
      std::string_view reason,
      effect possible);

  parts with_;
  std::string bytes_; // The reply at hand.
};

} // namespace troupe
