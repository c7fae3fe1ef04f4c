#pragma once

#include "runtime/saga/machine.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::saga {

/// The moves that a saga can make: each changes its state, and adds the record that says so and the
/// actions that follow. `decide` chooses among them.
///
/// For one decision; borrows its arguments.
class moves {
public:
  moves(const plan& by, state& current, const moment& now, std::vector<action>& actions)
      : plan_{by}, state_{current}, now_{now}, actions_{actions} {}

  void write(
      record_kind kind,
      std::uint32_t step,
      std::uint32_t round,
      std::uint32_t attempt = 0,
      std::string_view data = {});

  /// The bytes of an error, for a record.
  std::string_view encoded(const error& from);

  /// Begins the step `first` and those that are parallel to it, or the next ones if the conditions
  /// of all these are false. After the last step the saga is completed.
  void enter(std::uint32_t first);

  /// Intends the steps of a stage that are untouched, up to the first whose condition fails: the
  /// saga is parked there, and the other steps follow when it goes on.
  /// @return whether none failed.
  bool begin(const stage& at);

  void intend(std::uint32_t step, std::uint32_t round);
  void intend_undo(std::uint32_t step, std::uint32_t round);
  /// Intends an open step that waits again, for its whole time.
  void wait_anew(std::uint32_t step);
  void ask(std::uint32_t step);
  /// Asks the open commands that were just intended or taken over.
  void ask_open();
  void try_again_later(std::uint32_t step, const error& why);
  void watch(milliseconds left);
  /// Keeps waiting if the time of a step that waits is not over although its timer was due.
  /// @return whether it does.
  bool waits_on(std::uint32_t step);

  void finish_step(std::uint32_t step, std::uint32_t attempt, std::string body);
  /// Goes on after a step that is done, or undone, once those that began together with it are, too.
  void go_on_after(std::uint32_t step);
  /// Turns back because of a step. That step, if it may have happened, and those that began
  /// together with it are undone first.
  void give_up(std::uint32_t step, error why);
  /// Undoes the last step that remains to be undone, and those that began together with it.
  void undo_next();
  void park_at(std::uint32_t step, error why);
  void tell_answer();

private:
  tries& hand_of(std::uint32_t step) { return state_.steps[step].hand; }

  void wait_for(const asked& as);
  std::optional<milliseconds> look_again(std::uint32_t step);

  const plan& plan_;
  state& state_;
  moment now_;
  std::vector<action>& actions_;
};

} // namespace troupe::saga
