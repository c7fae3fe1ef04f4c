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

/// Names one try of one command: given in a `call`, returned with its answer.
struct asked {
  std::uint32_t step = 0;
  bool undo = false;
  std::uint32_t round = 0;
  std::uint32_t attempt = 0;

  bool operator==(const asked&) const = default;
};

// Events.

/// The first event of a new saga. `accept` was called before.
struct started {
  std::string input;
  /// The caller's time, if that is less than the definition gives.
  std::optional<milliseconds> within{};
  /// Whether it waits for `admitted`, since as many sagas of the operation run as may run at once.
  bool must_wait = false;
};

/// A saga that waited for its turn may begin.
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

/// A `timer` has run out.
struct timer_due {
  std::uint32_t step = 0;
  std::uint32_t token = 0;
};

/// The time of `watch_deadline` has run out.
struct deadline_reached {};

/// A person orders a parked saga to try again.
///
/// A command that was refused gets a new id. One whose outcome is unknown is asked under its old
/// id, so that nothing can happen twice; with `anew` the person vouches that it never happened.
struct retry_by_operator {
  bool anew = false;
};

/// Processing the saga's events failed too many times in a row: a person has to look.
struct given_up {
  error why;
  /// Whether the open command may have been carried out.
  bool maybe_done = true;
  /// The step to park at; if absent, one that is called or undone.
  std::optional<std::uint32_t> step{};
};

/// A person's order. One that the saga cannot obey (`may_obey`) changes nothing.
struct ordered {
  order what;
};

/// The saga of which this one was a step undoes that step: this one turns back, also if it was
/// completed.
struct recalled {};

/// The takeover: the state was just replayed, and this process owns the saga now. What a person's
/// order has changed since is kept, and the other open commands are asked again.
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

// Actions, to be carried out in order; those after the last `journal` only once that is on disk.

/// Adds a record to the journal.
struct journal {
  record row;
};

/// Calls the step's capability; `body_of` makes the body.
struct call {
  asked as;
  /// The command's id, hence its idempotency key.
  uuid id;
  /// The id of the command that an undo undoes: the participant keeps it as a tombstone if that
  /// command never arrived.
  uuid undoes{};
  milliseconds timeout{};
};

/// Listens for the message to a step that waits. The message is given as the answer to a call is:
/// at once if there is one already, else when it comes.
struct listen {
  asked as;
};

/// Gives `timer_due{step, token}` after `delay`. A later timer of the step replaces it; a stale one
/// is harmless.
struct timer {
  std::uint32_t step = 0;
  std::uint32_t token = 0;
  milliseconds delay{};
};

/// Gives `deadline_reached` after `delay`. At most one per owner; harmless when no longer needed.
struct watch_deadline {
  milliseconds delay{};
};

/// Gives the answer of a saga that is over. Repeated after a takeover.
struct finish {
  outcome<std::string> answer;
};

/// Says that the saga needs a person. Repeated after a takeover.
struct park {
  asked at;
  /// `possible` says whether the command may have had an effect.
  error reason;
};

using action = std::variant<journal, call, listen, timer, watch_deadline, finish, park>;

/// Decides what the saga does on the event `what`. Pure: no clock, no I/O, no logging.
///
/// `current` becomes the next state at once. If its records cannot be written, throw it away and
/// replay. Events that are late, repeated or meant for another round change nothing.
///
/// @param now determines when waits end, and whether those of a saga that was taken over have
/// ended.
/// @param actions is cleared first. Records borrow from `current`: they are valid until its next
/// decision, its move or its end.
void decide(
    const plan& by, state& current, event what, const moment& now, std::vector<action>& actions);

/// The command of a step that is called or undone, under its id.
call command_of(const plan& by, const state& current, std::uint32_t step, bool undo);

/// The body of `wanted`. An error is returned to the machine as the `failed` of that call.
///
/// @errors those of the definition's function, as a refusal: the function is pure, so a retry would
/// not help; `invalid` if it threw.
outcome<std::string> body_of(const plan& by, const state& current, const call& wanted);

/// The ordering key of `wanted`; "" if the step has none. @errors as `body_of`.
outcome<std::string> key_of(const plan& by, const state& current, const call& wanted);

/// The operation `wanted` asks for.
const std::string& operation_of(const plan& by, const call& wanted);

} // namespace troupe::saga
