#pragma once

#include "runtime/clock.hpp"
#include "runtime/ids.hpp"
#include "runtime/outcome.hpp"
#include "runtime/store/blobs.hpp"
#include "runtime/store/database.hpp"
#include "runtime/wire/schema.hpp"

#include <exception>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace troupe {

class turn;

/// Thrown when a handler uses the database (reads, writes, publishes, asks for an effect) although
/// the topology says `store: none`. The message is refused for good; the instance stays.
struct no_store : std::exception {
  const char* what() const noexcept override;

  /// `rejected`, reason `no_store`; effect unknown, as there was no transaction to undo.
  error to_error() const;
};

/// Thrown when a handler publishes an event or asks for an effect that cannot be sent
/// (wire/departure.hpp) or that its actor has not declared, or asks for one effect twice. The
/// message at hand is refused with this error, its handler's writes are undone, and the instance
/// stays.
class cannot_leave : public std::exception {
public:
  explicit cannot_leave(error why) : why_{std::move(why)} {}

  const char* what() const noexcept override { return why_.message.c_str(); }

  /// `invalid`; `internal`, reason `undeclared_topic`, `undeclared_effect`, `effect_twice` or
  /// `unreadable`.
  const error& why() const { return why_; }

private:
  error why_;
};

/// A command's return value when an effect that it asked for will answer the call: the effect that
/// `turn::effect` returned it for, whatever others are settled before. One that is made by hand
/// names none, and the first that is settled answers.
struct pending {
  uuid effect{};
};

/// An answer now, or `pending`.
template <class Reply>
using maybe_later = std::variant<Reply, pending>;

/// One attempt of an effect.
struct effect_call {
  /// The same for every attempt of this effect. Pass it to the outside system, so that it can tell
  /// a repeat from a second request.
  uuid key;
  /// 1 for the first attempt in this process.
  int attempt = 1;
  /// The trace context of this attempt, to be passed on to the outside (`turn::span`); may be
  /// empty.
  std::string_view span{};
};

/// The event that a handler is given, apart from its body. Borrowed for the call.
struct event_info {
  uuid id;
  std::string_view topic;
  /// The ordering key; may be empty.
  std::string_view key;
  /// The capability that published it. If a client did: the name that its key proves, or empty if
  /// links have no keys.
  std::string_view source;
  /// The time at which the broker journaled it.
  wall_time time;
  /// Its position in the journal.
  std::uint64_t position = 0;
  /// 1 for the first attempt.
  int attempt = 1;
};

/// The operations of an actor, with their types erased.
namespace handlers {

enum class answered : std::uint8_t { now, later };

/// The types of an operation's bodies.
struct operation_types {
  const wire::message_shape* request = nullptr;
  /// The shape of the reply; null if an effect answers, whose type the handler does not declare.
  const wire::message_shape* reply = nullptr;
};

struct query {
  std::function<outcome<void>(std::string_view body, store::database* database, std::string& reply)>
      run;
  operation_types types{};
};

struct command {
  /// Writes the reply; if an effect answers, its key, or nothing if any may.
  std::function<outcome<answered>(std::string_view body, turn& turn, std::string& reply)> run;
  operation_types types{};
};

/// The runtime calls `run` on an effect thread, then `settle` in a new turn with the result.
struct effect {
  std::function<outcome<std::string>(std::string_view request, const effect_call& call)> run;
  std::function<outcome<void>(
      std::string_view request,
      const outcome<std::string_view>& result,
      turn& turn,
      std::string& reply)>
      settle;
};

using operation = std::variant<query, command>;

struct event {
  std::function<outcome<void>(std::string_view body, const event_info& event, turn& turn)> run;
  const wire::message_shape* type = nullptr;
};

/// The type of the events that an actor publishes under a topic.
struct published {
  const wire::message_shape* type = nullptr;
};

template <class T>
inline constexpr bool is_outcome = false;
template <class T>
inline constexpr bool is_outcome<outcome<T>> = true;

template <class T>
inline constexpr bool is_maybe_later = false;
template <class T>
inline constexpr bool is_maybe_later<maybe_later<T>> = true;

/// Whether a handler that returns this may leave the answer to an effect.
template <class Returned>
inline constexpr bool may_answer_later =
    std::is_same_v<Returned, pending> || is_maybe_later<Returned>;
template <class Returned>
inline constexpr bool may_answer_later<outcome<Returned>> = may_answer_later<Returned>;

/// Notes in `reply` by which effect a call is answered, as its inbox row keeps it.
inline answered leave_to(const pending& by, std::string& reply) {
  reply.clear();
  if (by.effect != uuid{}) {
    reply = store::text_of(by.effect.view());
  }
  return answered::later;
}

/// Appends the reply in `returned`, which may be a reply, an outcome, `maybe_later` or `pending`.
template <class Returned>
outcome<answered> encode_returned(const Returned& returned, std::string& reply) {
  if constexpr (is_outcome<Returned>) {
    if (!returned) {
      return failure{returned.error()};
    }
    return encode_returned(*returned, reply);
  } else if constexpr (is_maybe_later<Returned>) {
    if (const auto* const by = std::get_if<pending>(&returned)) {
      return leave_to(*by, reply);
    }
    return encode_returned(std::get<0>(returned), reply);
  } else if constexpr (std::is_same_v<Returned, pending>) {
    return leave_to(returned, reply);
  } else {
    if (auto written = wire::encode_readable(reply, returned); !written) {
      reply.clear();
      return failure{std::move(written).error()};
    }
    return answered::now;
  }
}

/// The message type in what a handler returns; null if an effect answers.
template <class Returned>
const wire::message_shape* reply_shape() {
  if constexpr (is_outcome<Returned>) {
    return reply_shape<typename Returned::value_type>();
  } else if constexpr (is_maybe_later<Returned>) {
    return reply_shape<std::variant_alternative_t<0, Returned>>();
  } else if constexpr (wire::message<Returned>) {
    return &wire::message_shape_of<Returned>();
  } else {
    return nullptr;
  }
}

/// Appends the reply in `returned`, of a handler that must answer at once (`may_answer_later` is
/// false).
template <class Returned>
outcome<void> encode_answer(const Returned& returned, std::string& reply) {
  auto encoded = encode_returned(returned, reply);
  return encoded ? outcome<void>{} : failure{std::move(encoded).error()};
}

/// The type that an operation's `handler` returns, which takes a request and, if it wants one, a
/// `Second`.
template <class Handler, class Request, class Second>
using returned_by = typename std::conditional_t<
    std::is_invocable_v<Handler&, const Request&>,
    std::invoke_result<Handler&, const Request&>,
    std::invoke_result<Handler&, const Request&, Second&>>::type;

/// The types of an operation whose `handler` takes a request and, if it wants one, a `Second`.
template <class Handler, class Request, class Second>
operation_types types_of() {
  return {&wire::message_shape_of<Request>(), reply_shape<returned_by<Handler, Request, Second>>()};
}

/// Whether a handler is a function object with one call operator: no generic lambda, and no name
/// of a function.
template <class Handler>
concept has_one_call = requires {
  &Handler::operator();
};

/// The message type of a call operator's first parameter; none if that is no `const Message&`.
template <class Call>
struct message_of {};

template <class Class, class Returned, wire::message Request, class... Rest>
struct message_of<Returned (Class::*)(const Request&, Rest...) const> {
  using type = Request;
};

template <class Class, class Returned, wire::message Request, class... Rest>
struct message_of<Returned (Class::*)(const Request&, Rest...)> {
  using type = Request;
};

template <class Class, class Returned, wire::message Request, class... Rest>
struct message_of<Returned (Class::*)(const Request&, Rest...) const noexcept> {
  using type = Request;
};

template <class Class, class Returned, wire::message Request, class... Rest>
struct message_of<Returned (Class::*)(const Request&, Rest...) noexcept> {
  using type = Request;
};

template <class Handler>
concept takes_message = has_one_call<Handler> && requires {
  typename message_of<decltype(&Handler::operator())>::type;
};

/// The message type of a handler's first parameter.
template <class Handler>
struct request_of {
  static_assert(
      has_one_call<Handler>,
      "a handler is a lambda whose parameters have types: no `auto`, and no name of a function");
  static_assert(
      !has_one_call<Handler> || takes_message<Handler>,
      "a handler's first parameter is a `const Message&`, and the message has a TROUPE_MESSAGE "
      "line beside its struct");
  using type = typename message_of<decltype(&Handler::operator())>::type;
};

template <class Handler>
using request_t = typename request_of<std::remove_cvref_t<Handler>>::type;

/// Whether a handler returns something: an operation without a reply has an empty message.
template <class Handler, class Second>
inline constexpr bool has_reply = !std::is_void_v<returned_by<Handler, request_t<Handler>, Second>>;

/// Whether a query's handler answers at once: it has no turn that could ask for an effect.
template <class Handler>
inline constexpr bool query_answers_now =
    !may_answer_later<returned_by<Handler, request_t<Handler>, store::database>>;

template <class Handler>
query make_query(Handler handler) {
  using request = request_t<Handler>;
  static_assert(has_reply<Handler, store::database>, "a query returns its reply");
  static_assert(
      query_answers_now<Handler>,
      "a query answers at once: return the reply; what waits for an effect is a `command`");
  return {
      [handler = std::move(handler)](
          std::string_view body,
          store::database* database,
          std::string& reply) mutable -> outcome<void> {
        TROUPE_TRY(const auto& decoded, wire::checked_decode<request>(body));
        if constexpr (std::is_invocable_v<Handler&, const request&>) {
          return encode_answer(handler(decoded), reply);
        } else {
          if (database == nullptr) {
            throw no_store{};
          }
          return encode_answer(handler(decoded, *database), reply);
        }
      },
      types_of<Handler, request, store::database>()};
}

template <class Handler>
command make_command(Handler handler) {
  using request = request_t<Handler>;
  static_assert(
      has_reply<Handler, turn>,
      "a command returns its reply: where there is nothing to say, an empty message, with "
      "TROUPE_MESSAGE(done)");
  return {
      [handler = std::move(handler)](
          std::string_view body, turn& turn, std::string& reply) mutable -> outcome<answered> {
        TROUPE_TRY(const auto& decoded, wire::checked_decode<request>(body));
        if constexpr (std::is_invocable_v<Handler&, const request&>) {
          return encode_returned(handler(decoded), reply);
        } else {
          return encode_returned(handler(decoded, turn), reply);
        }
      },
      types_of<Handler, request, turn>()};
}

template <class Handler>
event make_event(Handler handler) {
  using body_type = request_t<Handler>;
  return {
      [handler = std::move(handler)](
          std::string_view body, const event_info& info, turn& turn) mutable -> outcome<void> {
        TROUPE_TRY(const auto& decoded, wire::checked_decode<body_type>(body));
        const auto run = [&] {
          if constexpr (
              std::is_invocable_v<Handler&, const body_type&, troupe::turn&, const event_info&>) {
            return handler(decoded, turn, info);
          } else {
            return handler(decoded, turn);
          }
        };
        if constexpr (std::is_void_v<decltype(run())>) {
          run();
          return {};
        } else {
          return run();
        }
      },
      &wire::message_shape_of<body_type>()};
}

/// The error for a request or result of an effect that this program cannot read, since another
/// release wrote it. No refusal: the effect waits for a program that can read it.
inline error unreadable(std::string_view what, const error& why) {
  return internal_error(
      "the " + std::string{what} + " cannot be read by this program: " + why.message,
      troupe::effect::unknown);
}

/// Whether an effect's `settle` answers at once. Its return value answers the waiting call, so that
/// nobody would receive a second effect's result.
template <class Result, class Run, class Settle>
inline constexpr bool settle_answers_now = !may_answer_later<
    std::invoke_result_t<Settle&, const request_t<Run>&, outcome<Result>&, turn&>>;

template <class Result, class Run, class Settle>
effect make_effect(Run run, Settle settle) {
  using request = request_t<Run>;
  static_assert(
      settle_answers_now<Result, Run, Settle>,
      "`settle` answers the call: return the reply. Ask for all effects in the handler; what is to "
      "be done once this result is known, and be waited for, is another step of a saga, or follows "
      "an event that `settle` publishes");
  return {
      [run = std::move(run)](
          std::string_view body, const effect_call& call) mutable -> outcome<std::string> {
        const auto decoded = wire::checked_decode<request>(body);
        if (!decoded) {
          return failure{unreadable("effect's request", decoded.error())};
        }
        const outcome<Result> result = run(*decoded, call);
        if (!result) {
          return failure{result.error()};
        }
        return wire::encoded_readable(*result);
      },
      [settle = std::move(settle)](
          std::string_view body,
          const outcome<std::string_view>& result,
          turn& turn,
          std::string& reply) mutable -> outcome<void> {
        const auto decoded = wire::checked_decode<request>(body);
        if (!decoded) {
          return failure{unreadable("effect's request", decoded.error())};
        }
        outcome<Result> typed = failure{error{}};
        if (result) {
          typed = wire::checked_decode<Result>(*result);
          if (!typed) { // The outside did its work: `settle` must not take it for a refusal.
            return failure{unreadable("effect's result", typed.error())};
          }
        } else {
          typed = failure{result.error()};
        }
        return encode_answer(settle(*decoded, typed, turn), reply);
      }};
}

} // namespace handlers

} // namespace troupe
