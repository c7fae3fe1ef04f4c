#pragma once

#include "runtime/outcome.hpp"
#include "runtime/saga/plan.hpp"
#include "runtime/saga/state.hpp"
#include "runtime/wire/message.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::saga {

/// The verbs of orders: what a person may want of one saga.
enum class verb : std::uint8_t {
  /// A parked or paused saga goes on where it stood.
  resume,
  /// The same; and one that waits between two tries asks at once.
  retry,
  /// The saga stands still until it is resumed. The answer to the try that is out is not waited
  /// for: its command is asked again under the same id.
  pause,
  /// The saga stands still as after `pause`, for a person to look into.
  park,
  /// The step in hand counts as done, or as undone, without an answer.
  skip,
  /// The saga turns back and undoes what was done.
  compensate,
};

TROUPE_WORDS(verb, resume, retry, pause, park, skip, compensate)

/// An order of a person to one saga. The data of its record.
struct order {
  verb what = verb::resume;
  std::string who{};
  std::string why{};
  /// The step that `skip` is about.
  std::string step{};
  /// The person vouches for the step in hand: that it never happened (`resume`, `retry`,
  /// `compensate`), or that what it is for was done by hand (`skip`).
  bool vouched = false;
  /// The id of the call that gave it, by which a repeat of that call is known; absent of one that
  /// an earlier release took.
  std::optional<uuid> call{};

  bool operator==(const order&) const = default;
};

TROUPE_MESSAGE(order, what, who, why, step, vouched, call)

/// Whether the saga can obey.
///
/// @errors `rejected`, with a reason: `over`; `not_waiting`, `standing` (it stands still already);
/// `in_flight` (nothing to retry before the try that is out is answered); `needs_anew` (the answer
/// under the command's id is final and its outcome unknown); `other_step` (not a step in hand);
/// `past_pivot` (only forward from here); `undoing` (it turned back already); `pivot_unknown` (the
/// pivot may have happened and has no undo).
outcome<void> may_obey(const plan& by, const state& current, const order& wanted);

/// The steps in hand: "do charge", "undo charge", "await approval", "let cooling pass", several of
/// them with commas; empty for a saga that waits for its turn.
std::string step_in_hand(const plan& by, const state& current);

/// Whether the step of that name is in hand.
bool is_in_hand(const plan& by, const state& current, std::string_view step);

/// Whether the saga was parked by `verb::pause`.
bool is_paused(const state& current);

/// The effects that stand: names of the steps that are done, or may be, and not undone.
std::vector<std::string> standing_effects(const plan& by, const state& current);

} // namespace troupe::saga
