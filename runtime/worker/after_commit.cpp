#include "runtime/worker/after_commit.hpp"

#include "runtime/observe/trace_context.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

// The delay between two slices of deleting old rows: they take a fifth of the time at most.
constexpr milliseconds forget_again_after{20};
// A far-off timer is checked once in a while: clocks are set right, and sums overflow.
constexpr milliseconds alarm_max{3'600'000};

} // namespace

void after_commit::carry_out(turn_output& done, relay_desk& relay) {
  for (const saga::outgoing::answer& each : done.answers) {
    out_.answer_pending(each);
  }
  for (const saga::outgoing::parked& each : done.parked_sagas) {
    group_.parts().log.write(
        each.needs_person    ? "saga.needs_person"
        : each.is_left_alone ? "saga.left_alone"
                             : "saga.parked",
        {{"capability", group_.name()},
         {"saga", to_string(each.saga)},
         {"reason", each.reason},
         {"trace", observe::hex_of(observe::trace_of(each.trace, each.saga))}});
  }
  for (const saga::outgoing::ended& each : done.traced) {
    spans_.end_saga(each);
  }
  for (const turn_output::line& each : done.lines) {
    group_.parts().log.write(each.event, each.fields);
  }
  group_.counters().takeovers.fetch_add(done.takeovers, std::memory_order_relaxed);
  for (item& each : done.items) {
    group_.queues().push_internal(std::move(each));
  }
  relay.committed(done);
  set_alarm(done.next_timer);
  if (done.has_old_rows) {
    out_.queue_again(forget_again_after, item{.what = item::kind::old_rows});
  }
  out_.make_calls(std::move(done.calls));
  out_.set_timers(done);
}

/// Sets the alarm that wakes the group for the earliest timer.
void after_commit::set_alarm(wall_time next) {
  if (next >= alarm_at_) {
    return;
  }
  alarm_at_ = next;
  const auto wait = std::chrono::ceil<milliseconds>(alarm_at_ - group_.parts().time.wall());
  out_.queue_again(
      std::clamp(wait, milliseconds{0}, alarm_max), item{.what = item::kind::timers_due});
}

} // namespace troupe
