#pragma once

#include "runtime/worker/group.hpp"
#include "runtime/worker/message_span.hpp"
#include "runtime/worker/outbound_builder.hpp"
#include "runtime/worker/relay_desk.hpp"
#include "runtime/worker/turn_output.hpp"

namespace troupe {

/// Carries out the actions of a committed turn, except its effects: answers, events, calls, timers.
///
/// Confined to the runner's thread; borrows its arguments.
class after_commit {
public:
  after_commit(group& of, outbound_builder& out, message_spans& spans)
      : group_{of}, out_{out}, spans_{spans} {}

  void carry_out(turn_output& done, relay_desk& relay);

  /// The alarm that was set rang.
  void rang() { alarm_at_ = wall_time::max(); }

private:
  void set_alarm(wall_time next);

  group& group_;
  outbound_builder& out_;
  message_spans& spans_;
  // The earliest timer for which an alarm has been set.
  wall_time alarm_at_ = wall_time::max();
};

} // namespace troupe
