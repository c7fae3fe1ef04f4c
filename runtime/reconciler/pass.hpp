#pragma once

#include "runtime/clock.hpp"
#include "runtime/reconcile/reconciliation.hpp"
#include "runtime/wire/message.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::reconcile {

/// A finding on its way from a look to the books.
struct sighting {
  wire::binary_value key;
  finding_type type = finding_type::differs;
  std::string details;

  bool is_same_case(const sighting& other) const { return key == other.key && type == other.type; }
};

TROUPE_MESSAGE(sighting, key, type, details)

/// The findings of one look at a part of an invariant's keys.
struct slice {
  /// The key up to which both sides were compared; empty if none was.
  wire::binary_value to{};
  /// Whether nothing is behind it: the pass is over.
  bool is_last = false;
  /// The findings, in the order of their keys.
  std::vector<sighting> findings{};
  /// The keys that were not judged, as something about them is too young, in order.
  std::vector<wire::binary_value> young{};
  std::int64_t judged = 0;
  std::int64_t in_flight = 0;
  /// The reason why the look ended before its time; empty if it did not.
  std::string trouble{};
  /// The rule by which both sides were compared (`rule_of`); absent if none was.
  std::optional<std::int64_t> rule{};
};

TROUPE_MESSAGE(slice, to, is_last, findings, young, judged, in_flight, trouble, rule)

/// A case that is to be opened or closed.
struct case_change {
  sighting what;
  bool opens = true;
};

TROUPE_MESSAGE(case_change, what, opens)

/// The part of a pass that is looked at a second time before anything is said.
struct suspicion {
  /// The end as `slice::to` and `is_last` of the first look have it.
  wire::binary_value to{};
  bool is_last = false;
  /// The changes to look at again; empty: there are none.
  std::vector<case_change> changes{};
  /// The rule of the pass; absent if an earlier release looked last.
  std::optional<std::int64_t> rule{};
};

TROUPE_MESSAGE(suspicion, to, is_last, changes, rule)

/// The state of an invariant's pass.
struct pass_state {
  /// Both sides are compared up to this key; empty at the beginning.
  std::string behind{};
  suspicion suspected{};
  /// The rule by which it is compared, as far as that is known.
  std::optional<std::int64_t> rule{};
  wall_time due{};
  std::int64_t judged = 0;
  std::int64_t in_flight = 0;
  /// The reason why the last look was not whole: what was not compared; empty if it was.
  std::string trouble{};
};

struct pass_times {
  milliseconds every{300'000};
  /// The time from the first look to the second.
  milliseconds recheck{2'000};
  /// The wait after a look that came nowhere.
  milliseconds again{10'000};
};

/// Whether the next look is due. One that is further away than any look is put off for was put off
/// under a wall clock that was ahead.
bool is_due(wall_time due, wall_time now, const pass_times& times);

/// The step that follows from a look.
struct pass_step {
  pass_state next{};
  /// The changes to be carried out now.
  std::vector<case_change> changes{};
  /// The pass is over; the counts of `next` are those of the whole pass until the next look.
  bool is_over = false;
};

constexpr std::size_t slice_findings_max = 500;
constexpr std::size_t slice_young_max = 2'000;

/// Shortens a slice, so that it does not reach beyond `to`, and is no larger than a row of a table
/// should be: what is left out comes with the next one. (A look ends at these bounds itself, and
/// counts no further; one that an earlier release asked for does not.)
/// @param to empty for no bound.
void shorten(slice& seen, const std::string& to);

/// The differences between the books and a slice: findings without an open case, and open cases
/// whose keys were judged and nothing found. A key that is in flight says nothing.
/// @param open the open cases of the invariant.
/// @param behind where the slice begins.
std::vector<case_change>
differences(const slice& seen, std::string_view behind, const std::vector<sighting>& open);

/// The pass as it goes on by `rule`: one that was begun by another rule of its name starts over.
pass_state by_rule(pass_state pass, std::int64_t rule);

/// Decides by a look: what is new is looked at again, and only what holds still is told.
pass_step after_look(
    const pass_state& before,
    slice seen,
    const std::vector<sighting>& open,
    wall_time now,
    const pass_times& times);

} // namespace troupe::reconcile
