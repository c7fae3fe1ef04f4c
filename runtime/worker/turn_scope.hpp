#pragma once

#include "runtime/clock.hpp"
#include "runtime/saga/coordinators.hpp"
#include "runtime/store/lent_session.hpp"
#include "runtime/worker/busy_clock.hpp"
#include "runtime/worker/effect_pool.hpp"
#include "runtime/worker/message_span.hpp"
#include "runtime/worker/turn_output.hpp"

#include <cstdint>
#include <functional>

namespace troupe {

/// The current writing turn, for all parts that work in it. Made again for each attempt.
struct turn_scope {
  group& of;
  store::database& session;
  /// The session as handlers get it.
  store::lent_session& handlers;
  /// The number under which this process writes.
  std::int64_t writer;
  /// Null if the group's actors coordinate no sagas, or have no effects.
  saga::coordinators* sagas;
  effect_pool* effects;
  turn_output& output;
  instant began;
  wall_time now;
  /// The time by which old rows are deleted (settled_time.hpp).
  wall_time settled;
  busy_clock& busy;
  message_spans& spans;

  saga::saga_turn of_sagas() const { return {session, writer, now, began, output}; }

  /// Restarts the watchdog's count at each possibly long piece of the runtime's own work.
  std::function<void()> progress() const {
    return [this] { busy.begin(of.parts().time.now()); };
  }
};

} // namespace troupe
