#pragma once

#include "runtime/clock.hpp"
#include "runtime/error.hpp"
#include "runtime/ids.hpp"
#include "runtime/saga/definition.hpp"
#include "runtime/saga/plan.hpp"
#include "runtime/saga/time_left.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::saga {

enum class phase : std::uint8_t { forward, undoing, completed, compensated, parked };

std::string_view name_of(phase phase);

enum class step_status : std::uint8_t {
  untouched,
  /// The step is called, and no answer is known.
  asked,
  done,
  /// Refused or given up. Steps that must be undone become `undo_asked` next.
  failed,
  undo_asked,
  undone,
  /// Its condition was false.
  passed,
};

std::string_view name_of(step_status status);

/// The tries of an open command. Not journaled: a takeover starts counting again.
struct tries {
  /// Counts from 1.
  std::uint32_t attempt = 1;
  /// The token of the last timer.
  std::uint32_t token = 0;
  /// Tries whose participant did not know the operation.
  std::uint32_t unknown = 0;
  /// A call is in flight, and its answer will come.
  bool in_flight = false;
  /// An earlier try may have had its effect.
  bool maybe_done = false;
  /// The number of tries that were answered `crashed`.
  int crashes = 0;
  /// The failure of the last try, for the message when the time is over.
  std::optional<errc> last_failure{};
  /// The deadline passed while a pivot that cannot be undone was in flight.
  bool late = false;
  /// Of a step that waits: how much longer it may wait.
  time_left left{};
  /// The digest of the request, from the intent of a saga read from its journal. Earlier releases
  /// wrote none.
  std::optional<std::uint64_t> request{};
};

struct step_state {
  bool operator==(const step_state& other) const;

  step_status status = step_status::untouched;
  /// The round that goes into the ids of this step's commands.
  std::uint32_t round = 0;
  std::uint32_t undo_round = 0;
  /// A person declared it done, or undone.
  bool skipped = false;
  /// The data of the intent of a step that waits: when its time is up.
  std::string due_data{};
  /// The tries, which are not journaled and not compared.
  tries hand{};
};

/// The state of one saga. A value; equality compares the journaled part only.
///
/// Written by `decide` and `replay` only. Records borrow from it, so do not move it while a record
/// that `decide` gave is in use.
struct state {
  state(const plan& by, const uuid& id);

  bool operator==(const state& other) const;

  std::string_view input() const;

  facts known(const plan& by) const;

  /// Completed or compensated; a parked saga is not over.
  bool is_over() const { return now == phase::completed || now == phase::compensated; }

  uuid saga;
  phase now = phase::forward;
  /// The phase of a parked saga before it was parked: forward or undoing.
  phase before_parked = phase::forward;
  /// The step that was called, undone or parked last; others may have begun together with it.
  std::uint32_t current = 0;
  /// Whether it was completed, and its caller answered, before it was recalled.
  bool was_completed = false;
  /// The number of times that a person has resumed the saga.
  std::uint32_t round = 0;
  std::uint64_t next_seq = 1;
  wall_time deadline{};
  /// The time until the deadline of a saga that was taken over; like `tries`, not journaled.
  time_left left{};
  std::vector<step_state> steps;
  std::vector<std::string> results;
  /// The reason why the saga turned back: its answer.
  std::optional<error> why;
  /// The reason why it was parked last.
  std::optional<error> why_parked;
  /// The data of `started`: deadline, fingerprint, input.
  std::string start_data;
  /// The bytes of the last error journaled, which its record borrows.
  std::string error_data;
  /// The bytes of the last order journaled, which its record borrows.
  std::string order_data;
};

/// Whether the saga has turned back, also if it is parked by now.
bool is_turned_back(const state& in);

/// Whether the step is called, or undone, and not answered, also if the saga is parked by now.
bool is_open(const state& in, std::uint32_t step);

/// Whether the saga waits for its turn and has begun no step.
bool is_queued(const state& in);

/// The steps that are open, in order.
std::vector<std::uint32_t> open_steps(const state& in);

/// The step to name in messages about the whole saga: one that is open, if any is.
std::uint32_t some_open_step(const state& in);

/// Whether the open step may have happened: by its tries, or by what the parked saga stored.
bool may_be_done(const plan& by, const state& in, std::uint32_t step);

} // namespace troupe::saga
