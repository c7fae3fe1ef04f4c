#include "runtime/worker/forgetting.hpp"

#include "runtime/saga/journal.hpp"
#include "runtime/time_text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe {

namespace {

// A slice ends after this time, so that callers wait for it no longer than for another turn.
constexpr milliseconds slice_time{5};
// Rows looked at before the clock is.
constexpr int rows_at_once = 256;
constexpr int sagas_at_once = 64;
// Of the time by which answers are forgotten, before a person is told.
constexpr std::chrono::hours ahead_max{24};

/// What follows from a time that is ahead of `now`; empty if it is not.
std::string ahead_in_words(const store::forgotten& forgotten, wall_time now) {
  if (forgotten.calls.born() > now + ahead_max) {
    return fmt::format(
        "answers were forgotten by a clock that was ahead of the one here, and calls with ids of "
        "before {} are refused",
        utc_time_text(forgotten.calls.born()));
  }
  if (forgotten.time > now + ahead_max && forgotten.trial == milliseconds{0}) {
    return fmt::format(
        "answers are forgotten by a time, {}, that is far ahead of the clock here",
        utc_time_text(forgotten.time));
  }
  return {};
}

} // namespace

forgetting::forgetting(group& of, turn_inbox& inbox, const store::forgotten& begins)
    : group_{of}, inbox_{inbox}, clock_{begins.time, of.parts().time.now(), begins.trial},
      time_{begins.time}, looked_at_{of.parts().time.now()} {
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
  if (!clock_.is_on_trial()) {
    inbox_.end_trial();
  }
  bool has_more = true;
  while (has_more && time.now() - began < slice_time) {
    has_more = forget_some(in, at);
  }
  at.is_over = !has_more;
  store::retention{in.session}.write({time_, at.calls, at.commands, clock_.trial()});
  inbox_.forgot(at.calls);
  in_turn_ = at;
  return has_more;
}

void forgetting::begin_pass(turn_scope& in) {
  looked_at_ = group_.parts().time.now();
  const capability_options& options = group_.options();
  const store::forgotten before = store::retention{in.session}.read();
  tell_if_ahead(group_, before, in.now);
  place_ = {.calls = before.calls, .commands = before.commands, .is_over = false};
  calls_to_ = before.calls;
  commands_to_ = before.commands;
  if (clock_.is_on_trial()) {
    // The clock may be wrong: only what was there before anything was handled by it is forgotten.
    const auto oldest = store::inbox{in.session}.oldest_answered();
    if (!oldest || (inbox_.kept_from() && *oldest >= *inbox_.kept_from())) {
      return;
    }
  }
  // Fresh ids are above the newest one by the clocks of those who made it: whatever the clock here
  // says, they are never taken for forgotten.
  const uuid newest = store::inbox{in.session}.newest();
  const uuid above_all = store::floor_id(time_since_1970(newest.birth() + milliseconds{1}));
  const auto floor = [&](std::chrono::hours kept) {
    return std::min(above_all, store::floor_id(time_ - kept));
  };
  calls_to_ = std::max(place_.calls, floor(options.inbox_kept));
  // Calls that were answered late go with the commands: never before all calls of their age.
  const auto commands_kept = std::max(options.sagas_kept, options.inbox_kept);
  commands_to_ = std::max(place_.commands, floor(commands_kept));
}

/// @return whether there is more.
bool forgetting::forget_some(turn_scope& in, place& at) const {
  using kind = store::inbox::kind;
  store::inbox inbox{in.session};
  const auto up_to = [this](const uuid& floor) {
    return std::min(floor, inbox_.kept_from().value_or(floor));
  };
  if (const uuid to = up_to(calls_to_); at.calls < to) {
    at.calls = inbox.forget(kind::calls, at.calls, to, rows_at_once);
    return true;
  }
  if (const uuid to = up_to(commands_to_); at.commands < to) {
    at.commands = inbox.forget(kind::all, at.commands, to, rows_at_once);
    return true;
  }
  if (in.sagas == nullptr || clock_.is_on_trial()) {
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

void tell_if_ahead(group& of, const store::forgotten& forgotten, wall_time now) {
  const std::string what = ahead_in_words(forgotten, now);
  if (!of.condition().time_ahead().set(what) || what.empty()) {
    return;
  }
  of.parts().log.write(
      "store.time_ahead",
      {{"capability", of.name()},
       {"settled", utc_time_text(forgotten.time)},
       {"calls_from", utc_time_text(forgotten.calls.born())},
       {"what",
        what
            + "; put the clock right if it is behind, else see `The clock was ahead` in "
              "RUNBOOK.md"}});
}

} // namespace troupe
