#include "runtime/worker/due_timers.hpp"

#include "runtime/fault_point.hpp"
#include "runtime/store/turn/timers.hpp"

#include <algorithm>

namespace troupe {

namespace {

constexpr int moved_max = 256;

} // namespace

void publish_due_timers(turn_scope& in) {
  store::timers timers{in.session};
  auto next = timers.next();
  if (next && *next <= in.now) {
    TROUPE_FAULT("timers.before_move");
    for (store::timer_row& each : timers.due(in.now, moved_max)) {
      timers.remove(each.n);
      in.output.publish(
          in.session,
          {0,
           each.id,
           std::move(each.topic),
           std::move(each.key),
           std::move(each.body),
           std::move(each.trace)});
    }
    next = timers.next();
  }
  if (next) {
    in.output.next_timer = std::min(in.output.next_timer, *next);
  }
}

} // namespace troupe
