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

/// The orders that a person may give to one saga.
enum class verb : std::uint8_t {
  /// A parked or paused saga goes on where it stopped.
  resume,
  /// The same; and one that waits between two tries retries at once.
  retry,
  /// The saga stops until it is resumed. It does not wait for the answer to a try in flight: the
  /// command is asked again under the same id.
  pause,
  /// The saga stops as after `pause`, for a person to look into.
  park,
  /// The open step counts as done, or as undone, without an answer.
  skip,
  /// The saga turns back and undoes what was done.
  compensate,
};

TROUPE_WORDS(verb, resume, retry, pause, park, skip, compensate)

/// A person's order to one saga. The data of its record.
struct order {
  verb what = verb::resume;
  std::string who{};
  std::string why{};
  /// The step that `skip` is about.
  std::string step{};
  /// The person vouches for the open step: that it never happened (`resume`, `retry`,
  /// `compensate`), or that its work was done by hand (`skip`).
  bool vouched = false;
  /// The id of the call that gave it, by which a repeat of that call is recognized; absent in
  /// orders taken by earlier releases.
  std::optional<uuid> call{};

  bool operator==(const order&) const = default;
};

TROUPE_MESSAGE(order, what, who, why, step, vouched, call)

/// Whether the saga can obey.
///
/// @errors `rejected`, with a reason: `over`; `not_waiting`, `standing` (it has stopped already);
/// `in_flight` (nothing to retry before the try in flight is answered); `needs_anew` (the answer
/// under the command's id is final and its outcome unknown); `other_step` (not an open step);
/// `past_pivot` (only forward from here); `undoing` (it turned back already); `pivot_unknown` (the
/// pivot may have happened and has no undo).
outcome<void> may_obey(const plan& by, const state& current, const order& wanted);

/// The open steps: "do charge", "undo charge", "await approval", "let cooling pass", several of
/// them with commas; empty for a saga that waits for its turn.
std::string step_in_hand(const plan& by, const state& current);

/// Whether the step of that name is open.
bool is_in_hand(const plan& by, const state& current, std::string_view step);

/// Whether the saga was parked by `verb::pause`.
bool is_paused(const state& current);

/// The effects that remain: the names of the steps that are done, or may be, and are not undone.
std::vector<std::string> standing_effects(const plan& by, const state& current);

} // namespace troupe::saga
