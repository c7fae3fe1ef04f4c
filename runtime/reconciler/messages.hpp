#pragma once

#include "runtime/reconciler/pass.hpp"
#include "runtime/wire/message.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace troupe::reconcile {

/// The event on `data.inconsistency.detected` when a case is opened, and on
/// `data.inconsistency.resolved` when it is closed, with the key as key.
struct inconsistency {
  uuid case_id;
  std::string invariant;
  /// The key for people: an id, a text or a number. Of an order that is its id, hence the name.
  std::string order_id;
  finding_type type = finding_type::differs;
  /// The words for people: "left.total = right.captured: 500 and 400".
  std::string details;
  /// The number of times that the case has been opened, this time included.
  std::int64_t times = 1;
};

// The names that the fields of this event have in other systems.
constexpr auto troupe_fields(const inconsistency*) {
  return std::make_tuple(
      wire::field{"case_id", &inconsistency::case_id},
      wire::field{"invariant", &inconsistency::invariant},
      wire::field{"orderId", &inconsistency::order_id},
      wire::field{"type", &inconsistency::type},
      wire::field{"details", &inconsistency::details},
      wire::field{"times", &inconsistency::times});
}

constexpr std::string_view troupe_name(const inconsistency*) {
  return "inconsistency";
}

/// The request of the saga that `config.correct` names for an invariant.
struct correct_inconsistency {
  uuid case_id;
  std::string invariant;
  /// The key for people.
  std::string key;
  /// The key, if it is an id.
  std::optional<uuid> order_id;
  finding_type type = finding_type::differs;
  std::string details;
};

TROUPE_MESSAGE(correct_inconsistency, case_id, invariant, key, order_id, type, details)

/// `cases`: cases in the order of their ids, which is that of their first opening. 1 to 1,000 at
/// once.
struct list_cases {
  std::optional<std::string> invariant;
  /// Whether the closed ones are meant, instead of those that are open.
  std::optional<bool> closed;
  /// The case behind which the answer begins.
  std::optional<uuid> after;
  /// 100, if absent.
  std::optional<std::int64_t> count;
};

TROUPE_MESSAGE(list_cases, invariant, closed, after, count)

struct listed_case {
  uuid case_id;
  std::string invariant;
  std::string key;
  std::string type;
  std::string details;
  /// The times in milliseconds since 1970; closed: 0 while it is open.
  std::int64_t opened_at = 0;
  std::int64_t closed_at = 0;
  std::int64_t times = 1;
  /// The state of the correcting saga: empty, `wanted`, `asked`, `done`, or why it refused.
  std::string correction;
};

TROUPE_MESSAGE(
    listed_case, case_id, invariant, key, type, details, opened_at, closed_at, times, correction)

struct case_list {
  std::vector<listed_case> cases;
};

TROUPE_MESSAGE(case_list, cases)

/// `passes`: how far each invariant is compared.
struct list_passes {};

TROUPE_MESSAGE(list_passes)

struct listed_pass {
  std::string invariant;
  std::int64_t open_cases = 0;
  /// The time at which the last whole pass ended, in milliseconds since 1970; 0: none did yet.
  std::int64_t compared_at = 0;
  /// The time at which the next look comes.
  std::int64_t next_at = 0;
  /// The keys judged by the pass at hand, or else by the last one, and those too young for it.
  std::int64_t judged = 0;
  std::int64_t in_flight = 0;
  /// The reason why something could not be compared at the last look, and what; empty if all could.
  std::string not_compared;
};

TROUPE_MESSAGE(
    listed_pass, invariant, open_cases, compared_at, next_at, judged, in_flight, not_compared)

struct pass_list {
  std::vector<listed_pass> passes;
};

TROUPE_MESSAGE(pass_list, passes)

/// `run`: compares now, and not when it is time. A pass that is under way goes on. Refused:
/// `unknown_invariant`.
struct run_now {
  /// The invariant; absent: all.
  std::optional<std::string> invariant;
};

TROUPE_MESSAGE(run_now, invariant)

struct run_begun {
  std::int64_t invariants = 0;
};

TROUPE_MESSAGE(run_begun, invariants)

} // namespace troupe::reconcile
