#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

/// The reason why a call failed. The set is closed; numbers travel in messages and are never
/// reused.
///
/// Each comment says what the caller can do, and the usual effect; `error::possible` decides.
enum class errc : std::uint8_t {
  /// The business refused; `details` say why. Change the request. Effect: none.
  rejected = 1,
  /// The message is malformed or a field is missing or wrong. Fix the sender. Effect: none.
  invalid = 2,
  /// The id was used with other content, or a version is outdated. Read again, use a new id.
  /// Effect: none.
  conflict = 3,
  /// The topology has no such capability. Fix the name. Effect: none.
  unknown_capability = 4,
  /// The capability has no such operation. Fix the name. Effect: none.
  unknown_operation = 5,
  /// The peer did not prove who it is. Log in. Effect: none.
  unauthenticated = 6,
  /// The peer has no right to do this. Ask for the right. Effect: none.
  forbidden = 7,
  /// A bounded queue is full. Try again after `retry_after`. Effect: none.
  overloaded = 8,
  /// The circuit breaker of every replica tried is open. Try after `retry_after`. Effect: none.
  circuit_open = 9,
  /// No node can take the call now (draining, starting, store full). Try again. Effect: none.
  unavailable = 10,
  /// No answer came in time. Repeat with the same id to learn what happened. Effect: unknown
  /// once a worker had the call, else none.
  deadline_exceeded = 11,
  /// Handling the call killed an actor or its process. Do not repeat blindly. Effect: none if the
  /// turn was rolled back, else unknown.
  crashed = 12,
  /// A bug of the system; its log has the details. Report it, repeat with the same id.
  internal = 13,
};

/// Whether the call may have had an effect despite its error.
enum class effect : std::uint8_t { none, unknown };

/// The properties of a code, by which all parts decide about a failed call.
struct verdict {
  /// The name, as sent in messages.
  std::string_view name;
  /// "Not now", before any work was done: the same call may succeed later, under the same id.
  bool asks_for_patience = false;
  /// A failure of the system, which counts against a circuit breaker.
  bool counts = false;
  /// No decision of the business: a saga retries the step instead of undoing it.
  bool is_technical = false;
  /// Whether it is sent without knowledge of the call's fate elsewhere. An error that is not
  /// blind comes from the worker's inbox, and holds for all transmissions of the call.
  bool is_blind = false;
  /// The business's final answer to a command: the inbox keeps it as the answer to this id.
  bool is_kept = false;
  /// The business's final answer to an event: handling it again would give the same result.
  bool ends_event = false;
};

/// The properties of `code`; those of `internal` for a number that is not listed.
const verdict& verdict_on(errc code);

/// The name of `code` as sent in messages ("overloaded"); "internal" for a number not listed.
inline std::string_view name_of(errc code) {
  return verdict_on(code).name;
}

/// The code called `name`, or nothing.
std::optional<errc> errc_named(std::string_view name);

/// The error of a call: why it failed, whether it may have had an effect, and what to do next.
struct error {
  errc code = errc::internal;
  effect possible = effect::none;
  /// The message for a person: what happened and what to do. Sent to the caller, so it contains no
  /// secrets.
  std::string message;
  /// Another attempt is useless before this much time has passed.
  std::optional<std::chrono::milliseconds> retry_after{};
  /// Facts for a program, such as {"reason", "out_of_stock"}.
  std::vector<std::pair<std::string, std::string>> details{};
  /// Whether the error is final for this id: the same call under it gets the same answer, whatever
  /// its code advises.
  bool is_final = false;

  bool operator==(const error&) const = default;

  /// The value of `details` under `key`, or an empty view.
  std::string_view detail(std::string_view key) const;
};

/// Whether the same call, repeated under its id, may get another answer: a temporary failure,
/// which no inbox keeps.
inline bool is_momentary(const error& why) {
  return verdict_on(why.code).is_technical && !why.is_final;
}

/// A business refusal. `reason` is its machine-readable name (details: reason).
error rejected(std::string reason, std::string message);

error invalid(std::string message);

error internal_error(std::string message, effect possible = effect::none);

} // namespace troupe
