#pragma once

#include "runtime/clock.hpp"
#include "runtime/config.hpp"
#include "runtime/ids.hpp"
#include "runtime/outcome.hpp"
#include "runtime/wire/operation.hpp"
#include "runtime/wire/schema.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace troupe::saga {

struct definition;

/// The kinds of steps, which come in this order: compensatable* pivot? retriable*.
enum class step_kind : std::uint8_t {
  /// Can be undone: has an `undo`.
  compensatable,
  /// The point of no return: once it is done the saga only goes forward.
  pivot,
  /// Comes after the point of no return, so it must succeed in the end: retried without end,
  /// unless it crashes.
  retriable,
};

/// What a step does when it starts.
enum class step_act : std::uint8_t {
  /// Calls a capability, which may run another saga (`runs`).
  call,
  /// Waits for an answer from outside: a call of the operation of the saga's own capability
  /// that the step names, or an event of its topic. A step without an
  /// answer by its deadline is refused, reason `unanswered`.
  wait,
  /// Waits until its deadline has passed.
  timer,
};

/// The facts from which the body of a call is made: the saga's input and the replies received.
/// Borrowed for the call.
struct facts {
  uuid saga;
  std::string_view input;
  /// The reply of step i; empty if the step is not known to be done.
  std::span<const std::string> results;
  const definition* of = nullptr;
  /// The id under which the current step was called last, which is the id of the saga it runs, if
  /// it runs one. Nil if there is no current step.
  uuid command{};
};

/// Makes the body of a call. Pure: a retry and a takeover must make the same bytes again, since
/// participants refuse other bytes under a known id. A release whose function makes different bytes
/// leaves sagas that have sent the command alone, until a release with the same bytes continues
/// them.
struct body_maker {
  body_maker() = default;

  body_maker(std::nullptr_t) {}

  template <std::invocable<const facts&> Function>
  body_maker(
      Function function,
      const wire::message_shape* from = nullptr,
      const wire::message_shape* to = nullptr)
      : make{std::move(function)}, input{from}, body{to} {}

  explicit operator bool() const { return static_cast<bool>(make); }

  outcome<std::string> operator()(const facts& known) const { return make(known); }

  std::function<outcome<std::string>(const facts&)> make;
  /// The types of the saga's input and of the body; null if `project` did not make this.
  const wire::message_shape* input = nullptr;
  const wire::message_shape* body = nullptr;
};

/// An answer to a waiting step.
struct heard {
  /// The saga it is for.
  uuid saga;
  /// Present if the answer is a refusal, so that the saga turns back. Else the whole message is the
  /// step's result.
  std::optional<error> refusal{};
};

/// Reads an answer to a waiting step.
struct hearing {
  std::function<outcome<heard>(std::string_view body)> read{};
  const wire::message_shape* type = nullptr;
};

/// One step of a saga, mostly a call, and its undo.
struct step {
  std::string name;
  std::string capability{};
  std::string operation{};
  /// The operation of the same capability that undoes this one; "" if none.
  ///
  /// A pivot may have one. It is called if the pivot's outcome is unknown when the saga's deadline
  /// passes, or when the attempts of a resumed saga are used up (without an undo, the saga is
  /// parked), and if a saga that has this saga as a step undoes it.
  std::string undo{};
  step_kind kind = step_kind::compensatable;
  /// The time of one attempt, from 1 ms to the saga's deadline.
  milliseconds deadline{2'000};
  /// Further attempts after the first; 0 to 100. Undos and retriable steps are retried without end,
  /// except if they crash (`crashes_max`).
  int retries = 3;
  /// The wait before the second attempt, from 1 ms to `backoff_max`; doubles up to that.
  milliseconds backoff{50};
  body_maker request{};
  /// The body of `undo`; if empty, that of `request`. The step's own result may be missing here: an
  /// undo also follows a step of unknown outcome.
  body_maker undo_request{};
  /// The ordering key of both calls; may be empty.
  std::function<std::string(const facts&)> key{};
  /// The type as which `result_of` reads the reply: `&wire::message_shape_of<stock_reserved>()`. A
  /// topology whose participant answers with another type is then refused before anything runs.
  /// Null: not checked before the reply arrives.
  const wire::message_shape* reply = nullptr;
  /// A step that is no call has no capability, request, undo, key or retries, and is no pivot.
  /// `operation` of a waiting step is the operation of the saga's own capability that answers it;
  /// empty if only events do.
  step_act act = step_act::call;
  /// Whether it starts together with the step before it. Such steps are done in parallel, and
  /// undone together as soon as one fails; all of them are compensatable, or all retriable.
  bool parallel = false;
  /// Whether the step is done at all, asked once, when it would start; if empty, it is. A skipped
  /// step has no result.
  std::function<outcome<bool>(const facts&)> when{};
  /// How a waiting step reads its answer.
  hearing hears{};
  /// The topic whose events answer a waiting step; empty if none does.
  std::string topic{};
};

/// A long transaction, declared: calls in order, each with its compensation.
struct definition {
  /// The operation that starts one ("place").
  std::string operation;
  /// The time from the start to the end of the pivot, 1 ms to 30 days. Steps after the pivot have
  /// no deadline. A shorter deadline of the caller shortens it, unless a step waits or lets time
  /// pass: such a saga outlives its caller, who asks again for its answer under the same id.
  milliseconds deadline{10'000};
  /// The time for which a step or undo that is retried without end, or a pivot that may have
  /// happened, may fail until it needs a person; 1 ms to 30 days. The retries go on.
  milliseconds person_after{300'000};
  std::vector<step> steps;
  /// The saga's answer once all steps are done; if empty, the result of the last step.
  body_maker answer{};
  /// Checks the input before anything is started; if empty, every input is accepted.
  std::function<outcome<void>(std::string_view input)> accept{};
  /// The operation that undoes a saga of this kind, running or finished, for a saga of which it is
  /// a step; "" if none. All steps must have an undo then.
  std::string undo{};
  /// The most sagas of this operation that may run at once in one process; 0 for any number. The
  /// others wait: different keys take turns, sagas of one key start in order.
  int at_once = 0;
  /// The most sagas that may wait; 1 to `queue_max`. Further ones are refused as `overloaded`,
  /// before anything of them is stored. Sagas that turn back or are taken over are never refused.
  ///
  /// Each waiting saga holds its state in memory and a row in the database, and the last of 10,000
  /// start later than most callers wait.
  int queue = 10'000;
};

inline constexpr milliseconds backoff_max{2'000};
/// A command whose handler crashes is retried ever more slowly, and its saga is parked after
/// `crashes_max` crashes: each costs its participant an instance.
inline constexpr milliseconds crash_backoff_max{30'000};
inline constexpr int crashes_max = 10;
inline constexpr std::size_t steps_max = 32;
inline constexpr int retries_max = 100;
inline constexpr int at_once_max = 100'000;
inline constexpr int queue_max = 1'000'000;

/// Whether a step of the saga waits or lets time pass, so that it may outlive its caller.
bool outlives_caller(const definition& declared);

/// The type of the saga's input, as declared by its answer or else by its steps. Null if none
/// declares it.
const wire::message_shape* input_of(const definition& declared);

/// All faults of `checked`; empty if there are none. Positions are left at 0.
///
/// Checked: 1 to `steps_max` steps; names, capabilities and operations not empty and short enough
/// to be sent; step names not repeated; the order of kinds; an undo on every compensatable step and
/// on no retriable one; no undo_request without undo; the rules for steps that wait or let time
/// pass, for parallel steps, and for sagas that can be undone or whose last step may have no
/// result; collisions (collisions.hpp); the ranges above; and the sum rule: one full attempt
/// of every step up to the end of the pivot (of parallel steps the longest) fits into the saga's
/// deadline, since otherwise a saga with slow participants could never complete.
std::vector<fault> validate(const definition& checked);

struct step_tuning {
  std::optional<milliseconds> deadline;
  std::optional<int> retries;
};

TROUPE_MESSAGE(step_tuning, deadline, retries)

/// The values that a topology may set instead of the author's.
struct tuning {
  std::optional<milliseconds> deadline;
  std::optional<milliseconds> person_after;
  std::optional<int> at_once{};
  std::optional<int> queue{};
  /// Steps by name.
  std::map<std::string, step_tuning> steps{};
};

TROUPE_MESSAGE(tuning, deadline, person_after, at_once, queue, steps)

/// Applies `by` to `tuned`, and validates the result.
///
/// @return all faults, including names that `tuned` does not have; with faults, `tuned` is
/// unusable.
std::vector<fault> apply(const tuning& by, definition& tuned);

/// The body of step `name`'s reply.
/// @param as the type as which the reply will be read; null for any.
/// @errors `internal` if the definition has no such step or declares another type for its reply, or
/// the reply is not known.
outcome<std::string_view>
result_body(const facts& known, std::string_view name, const wire::message_shape* as = nullptr);
outcome<std::string_view>
result_body(const facts& known, std::size_t index, const wire::message_shape* as = nullptr);

/// The reply of a step, by name or index. @errors as `result_body`; `invalid` if it is no `T`.
template <wire::message T, class Step>
outcome<T> result_of(const facts& known, const Step& which) {
  const wire::message_shape* const as = &wire::message_shape_of<T>();
  return result_body(known, which, as).and_then([](std::string_view body) {
    return wire::checked_decode<T>(body);
  });
}

namespace detail {

template <class T>
inline constexpr bool is_outcome = false;
template <class T>
inline constexpr bool is_outcome<outcome<T>> = true;

template <class Made>
const wire::message_shape* shape_made() {
  if constexpr (is_outcome<Made>) {
    return shape_made<typename Made::value_type>();
  } else {
    return &wire::message_shape_of<Made>();
  }
}

template <class Made>
struct unwrapped {
  using type = Made;
};

template <class Made>
struct unwrapped<outcome<Made>> {
  using type = Made;
};

template <class Function, class Input, class... Results>
auto returned_by() {
  if constexpr (
      std::is_invocable_v<const Function&, const Input&, const facts&, const Results&...>) {
    return std::type_identity<
        std::invoke_result_t<const Function&, const Input&, const facts&, const Results&...>>{};
  } else {
    return std::type_identity<std::invoke_result_t<const Function&, const Input&>>{};
  }
}

/// The message that a projection makes.
template <class Function, class Input, class... Results>
using body_made =
    typename unwrapped<typename decltype(returned_by<Function, Input, Results...>())::type>::type;

} // namespace detail

/// A body maker from a typed function `f(const Input&, const facts&)` or `f(const Input&)`, which
/// returns a message or an outcome of one.
template <wire::message Input, class Function>
body_maker project(Function f) {
  constexpr auto call = [](const Function& made, const Input& input, const facts& known) {
    if constexpr (std::is_invocable_v<const Function&, const Input&, const facts&>) {
      return made(input, known);
    } else {
      return made(input);
    }
  };
  using made = std::invoke_result_t<decltype(call), const Function&, const Input&, const facts&>;
  const auto make = [f = std::move(f), call](const facts& known) -> outcome<std::string> {
    TROUPE_TRY(const auto& input, wire::checked_decode<Input>(known.input));
    const auto body = call(f, input, known);
    if constexpr (detail::is_outcome<made>) {
      if (!body) {
        return failure{body.error()};
      }
      return wire::encoded_readable(*body);
    } else {
      return wire::encoded_readable(body);
    }
  };
  return {make, &wire::message_shape_of<Input>(), detail::shape_made<made>()};
}

/// A reply of an earlier step, as a parameter of a projection.
template <wire::message T>
struct result {
  std::string_view step;

  outcome<T> in(const facts& known) const { return result_of<T>(known, step); }
};

namespace detail {

/// Calls `f` with the replies; if one is missing, returns the error of the first.
template <class Body, class Function, class Input, class... Results>
outcome<Body> apply_to_replies(
    const Function& f, const Input& input, const facts& known, const outcome<Results>&... replies) {
  const error* missing = nullptr;
  ((missing = missing == nullptr && !replies ? &replies.error() : missing), ...);
  if (missing != nullptr) {
    return failure{*missing};
  }
  return f(input, known, *replies...);
}

} // namespace detail

/// A body maker from a typed function that also takes replies of earlier steps:
/// `f(const Input&, const facts&, const Results&...)`. If one is missing, it is not called.
///
/// ```cpp
/// project<place_order>(
///     [](const place_order& wish, const facts& known, const stock_reserved& reserved) {
///       return charge_order{known.saga, reserved.total_cents, reserved.currency, wish.card};
///     },
///     result<stock_reserved>{"reserve"})
/// ```
template <wire::message Input, class Function, wire::message... Results>

requires(sizeof...(Results) > 0) body_maker project(Function f, result<Results>... of) {
  using body = detail::body_made<Function, Input, Results...>;
  return project<Input>(
      [f = std::move(f),
       of = std::make_tuple(of...)](const Input& input, const facts& known) -> outcome<body> {
        return std::apply(
            [&](const auto&... each) {
              return detail::apply_to_replies<body>(f, input, known, each.in(known)...);
            },
            of);
      });
}

/// A step that calls `what`: `f` makes its request (`project`), and its reply has the type that the
/// operation declares.
template <
    wire::message Input,
    wire::message Request,
    wire::message Reply,
    class Function,
    wire::message... Results>
step calls(
    std::string name,
    const wire::operation<Request, Reply>& what,
    Function f,
    result<Results>... of) {
  static_assert(std::is_same_v<detail::body_made<Function, Input, Results...>, Request>);
  step made{
      .name = std::move(name),
      .capability = std::string{what.capability},
      .operation = std::string{what.name},
      .request = project<Input>(std::move(f), of...),
      .reply = &wire::message_shape_of<Reply>()};
  return made;
}

/// `made`, undone by `what` with a request made by `f`. The step's own reply may be missing.
template <
    wire::message Input,
    wire::message Request,
    wire::message Reply,
    class Function,
    wire::message... Results>
step undone_by(
    step made, const wire::operation<Request, Reply>& what, Function f, result<Results>... of) {
  static_assert(std::is_same_v<detail::body_made<Function, Input, Results...>, Request>);
  made.undo = what.name;
  made.undo_request = project<Input>(std::move(f), of...);
  return made;
}

/// A step that waits until `operation` of the saga's own capability is called with an `Answer`, or
/// an event with one is published on `topic`: either may be empty, not both. `read` says which saga
/// the answer is for, and whether it is a refusal.
template <wire::message Answer, class Function>
step waits(std::string name, std::string operation, milliseconds within, Function read) {
  return {
      .name = std::move(name),
      .operation = std::move(operation),
      .deadline = within,
      .reply = &wire::message_shape_of<Answer>(),
      .act = step_act::wait,
      .hears = {
          [read = std::move(read)](std::string_view body) -> outcome<heard> {
            TROUPE_TRY(const auto& said, wire::checked_decode<Answer>(body));
            return heard{read(said)};
          },
          &wire::message_shape_of<Answer>()}};
}

/// A step that lets `time` pass.
inline step lets_pass(std::string name, milliseconds time) {
  return {.name = std::move(name), .deadline = time, .act = step_act::timer};
}

/// `made`, done only if `f(const Input&, const facts&)` or `f(const Input&)` returns true.
template <wire::message Input, class Function>
step only_if(step made, Function f) {
  made.when = [f = std::move(f)](const facts& known) -> outcome<bool> {
    TROUPE_TRY(const auto& input, wire::checked_decode<Input>(known.input));
    if constexpr (std::is_invocable_v<const Function&, const Input&, const facts&>) {
      return f(input, known);
    } else {
      return f(input);
    }
  };
  return made;
}

/// `made` as the pivot, the point of no return.
inline step pivot(step made) {
  made.kind = step_kind::pivot;
  return made;
}

/// `made` as a step after the pivot, retried until it is done.
inline step retried(step made) {
  made.kind = step_kind::retriable;
  return made;
}

/// `made`, started together with the step before it.
inline step together(step made) {
  made.parallel = true;
  return made;
}

/// The request of the operation that undoes a saga (`definition::undo`), sent by the saga of which
/// it is a step. Answered ok once the saga is undone, or if it was never started, which it then
/// never will be; else `unavailable`, to be asked again.
struct undo_saga {
  uuid saga;
};

TROUPE_MESSAGE(undo_saga, saga)

/// `made`, whose operation runs another saga, which `undo` of the same capability undoes. Its
/// deadline should be that of the other saga.
inline step runs(step made, std::string undo) {
  made.undo = std::move(undo);
  made.undo_request = body_maker{
      [](const facts& known) -> outcome<std::string> {
        return wire::encoded(undo_saga{known.command});
      },
      made.request.input,
      &wire::message_shape_of<undo_saga>()};
  return made;
}

/// An ordering key from a typed function `f(const Input&)`; "" if the input is no `Input`.
template <wire::message Input, class Function>
std::function<std::string(const facts&)> key_from(Function f) {
  return [f = std::move(f)](const facts& known) -> std::string {
    const auto input = wire::checked_decode<Input>(known.input);
    return input ? std::string{f(*input)} : std::string{};
  };
}

/// An `accept` that accepts every body that decodes as an `Input`.
template <wire::message Input>
std::function<outcome<void>(std::string_view)> decodable() {
  return [](std::string_view input) -> outcome<void> {
    TROUPE_CHECK(wire::checked_decode<Input>(input));
    return {};
  };
}

} // namespace troupe::saga
