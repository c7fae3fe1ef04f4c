#include "runtime/worker/forgetting.hpp"

#include "runtime/saga/journal.hpp"

#include <algorithm>

namespace troupe {

namespace {

// A slice ends after this time, so that callers wait for it no longer than for another turn.
constexpr milliseconds slice_time{5};
// Rows looked at before the clock is.
constexpr int rows_at_once = 256;
constexpr int sagas_at_once = 64;

} // namespace

forgetting::forgetting(group& of, turn_inbox& inbox, wall_time begins)
    : group_{of}, inbox_{inbox}, clock_{begins, of.parts().time.now()}, time_{begins},
      looked_at_{of.parts().time.now()} {
}

bool forgetting::run(turn_scope& in) {
  const clock& time = group_.parts().time;
  const instant began = time.now();
  time_at(began, in.now);
  if (place_.is_over) {
    begin_pass(in);
  }
  place at = place_;
  at.is_over = false;
  bool has_more = true;
  while (has_more && time.now() - began < slice_time) {
    has_more = forget_some(in, at);
  }
  at.is_over = !has_more;
  store::retention{in.session}.write({time_, at.calls, at.commands});
  inbox_.forgot(at.calls);
  in_turn_ = at;
  return has_more;
}

void forgetting::begin_pass(turn_scope& in) {
  looked_at_ = group_.parts().time.now();
  const capability_options& options = group_.options();
  const store::forgotten before = store::retention{in.session}.read();
  place_ = {.calls = before.calls, .commands = before.commands, .is_over = false};
  calls_to_ = std::max(place_.calls, store::floor_id(time_ - options.inbox_kept));
  // Calls that were answered late go with the commands: never before all calls of their age.
  const auto commands_kept = std::max(options.sagas_kept, options.inbox_kept);
  commands_to_ = std::max(place_.commands, store::floor_id(time_ - commands_kept));
}

/// @return whether there is more.
bool forgetting::forget_some(turn_scope& in, place& at) const {
  using kind = store::inbox::kind;
  store::inbox inbox{in.session};
  if (at.calls < calls_to_) {
    at.calls = inbox.forget(kind::calls, at.calls, calls_to_, rows_at_once);
    return true;
  }
  if (at.commands < commands_to_) {
    at.commands = inbox.forget(kind::all, at.commands, commands_to_, rows_at_once);
    return true;
  }
  if (in.sagas == nullptr) {
    return false;
  }
  const auto last = saga::journal_table{in.session}.forget(
      at.saga, time_ - group_.options().sagas_kept, sagas_at_once);
  at.saga = last.value_or(at.saga);
  return last.has_value();
}

void forgetting::committed() {
  if (in_turn_) {
    place_ = *in_turn_;
    in_turn_.reset();
  }
}

} // namespace troupe
