#pragma once

#include "runtime/saga/order.hpp"
#include "runtime/saga/plan.hpp"
#include "runtime/saga/record.hpp"
#include "runtime/saga/state.hpp"
#include "runtime/saga/time_left.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace troupe::saga {

/// The name of one try of one command: given in a `call`, returned with its answer.
struct asked {
  std::uint32_t step = 0;
  bool undo = false;
  std::uint32_t round = 0;
  std::uint32_t attempt = 0;

  bool operator==(const asked&) const = default;
};

// Events.

/// The first event of a new saga. `accept` has been asked before.
struct started {
  std::string input;
  /// The caller's time, if that is less than the definition gives.
  std::optional<milliseconds> within{};
  /// Whether it waits for `admitted`: as many sagas of the operation as may run at once do.
  bool must_wait = false;
};

/// The turn of a saga that waited for it has come.
struct admitted {};

/// A call's reply.
struct answered {
  asked to;
  std::string body{};
};

/// A call's error, or the error of making its body. Every call ends as `answered` or `failed` by
/// its timeout.
struct failed {
  asked to;
  error why;
};

/// The end of a `timer`.
struct timer_due {
  std::uint32_t step = 0;
  std::uint32_t token = 0;
};

/// The end of the time of `watch_deadline`.
struct deadline_reached {};

/// The order of a person to try a parked saga again.
///
/// A command that was refused gets a new id. One whose outcome is unknown is asked under its old
/// id, so that nothing can happen twice; with `anew` the person vouches that it never happened.
struct retry_by_operator {
  bool anew = false;
};

/// The end of trying: the saga's events could not be processed again and again, and a person has to
/// look.
struct given_up {
  error why;
  /// Whether the command in hand may have been carried out.
  bool maybe_done = true;
  /// The step to park at; if not said, one that is called or undone.
  std::optional<std::uint32_t> step{};
};

/// The order of a person. One that does not fit (`may_obey`) changes nothing.
struct ordered {
  order what;
};

/// The recall by a saga of which this one was a step, and which undoes that step: it turns back,
/// also if it was completed.
struct recalled {};

/// The takeover: the state was just replayed, and this process owns the saga now. What a person's
/// order has done to it since is kept, and the rest is asked.
struct taken_over {};

using event = std::variant<
    started,
    admitted,
    answered,
    failed,
    timer_due,
    deadline_reached,
    retry_by_operator,
    given_up,
    ordered,
    recalled,
    taken_over>;

// Actions, to be carried out in order, those after the last `journal` only once it is on disk.

/// The action to add a record to the journal.
struct journal {
  record row;
};

/// The action to call the step's capability; `body_of` makes the body.
struct call {
  asked as;
  /// The command's id, hence its idempotency key.
  uuid id;
  /// The id of the command that an undo undoes, for the tombstone if that never came.
  uuid undoes{};
  milliseconds timeout{};
};

/// The action to hear what is said to a step that waits: its answer is given as that of a call, if
/// there is one already or as soon as one comes.
struct listen {
  asked as;
};

/// The action to give `timer_due{step, token}` after `delay`. A later timer of the step replaces
/// it; a stale one is harmless.
struct timer {
  std::uint32_t step = 0;
  std::uint32_t token = 0;
  milliseconds delay{};
};

/// The action to give `deadline_reached` after `delay`. At most one per owner; harmless when no
/// longer of use.
struct watch_deadline {
  milliseconds delay{};
};

/// The action to tell the answer of a saga that is over. Comes again after a takeover.
struct finish {
  outcome<std::string> answer;
};

/// The action to tell that the saga needs a person. Comes again after a takeover.
struct park {
  asked at;
  /// `possible` says whether the command may have had an effect.
  error reason;
};

using action = std::variant<journal, call, listen, timer, watch_deadline, finish, park>;

/// Decides what the saga does about the event `what`. Pure: no clock, no I/O, no logging.
///
/// `current` becomes the next state at once. If its records cannot be written, throw it away and
/// replay. Events that are late, repeated or meant for another round change nothing.
///
/// @param now sets the times at which waits are over, and is asked whether those of a saga that was
/// taken up are.
/// @param actions is cleared first. Records borrow from `current`: they are good until its next
/// decision, its move or its end.
void decide(
    const plan& by, state& current, event what, const moment& now, std::vector<action>& actions);

/// The command of a step that is called or undone, under its id.
call command_of(const plan& by, const state& current, std::uint32_t step, bool undo);

/// The body of `wanted`. An error goes back as the `failed` of that call.
///
/// @errors those of the definition's function, as a refusal: it is pure, so trying again is of no
/// use; `invalid` if it threw.
outcome<std::string> body_of(const plan& by, const state& current, const call& wanted);

/// The ordering key of `wanted`; "" if the step has none. @errors as `body_of`.
outcome<std::string> key_of(const plan& by, const state& current, const call& wanted);

/// The operation `wanted` asks for.
const std::string& operation_of(const plan& by, const call& wanted);

} // namespace troupe::saga
