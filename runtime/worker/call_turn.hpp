#pragma once

#include "runtime/actor/handlers.hpp"
#include "runtime/worker/awaited_answers.hpp"
#include "runtime/worker/turn_inbox.hpp"
#include "runtime/worker/turn_scope.hpp"
#include "runtime/worker/write.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>

namespace troupe {

/// Runs a call in a writing turn: answers a repeat from the inbox, else runs the command or starts
/// the saga, and adds the answer to the inbox.
///
/// A refusal undoes the handler's writes; one that the inbox keeps (`verdict::is_kept`) is stored
/// as the answer. Confined to the runner's thread.
class call_turn {
public:
  /// @param awaited gets the calls whose answers others may bring.
  call_turn(group& of, turn_inbox& inbox, awaited_answers& awaited)
      : group_{of}, inbox_{inbox}, awaited_{awaited} {}

  /// @return false if the turn must be run again, since this call must be undone alone.
  bool run(write& each, turn_scope& in);

private:
  bool is_answered_without_work(write& each, std::uint64_t digest, const turn_scope& in);
  bool answer_from_inbox(write& each, std::uint64_t digest);
  std::optional<error> why_not(const uuid& id, const turn_scope& in);
  error ahead_of_clock(const uuid& id, const turn_scope& in);
  outcome<handlers::answered> start_saga(const write& each, const saga::plan& by, turn_scope& in);
  outcome<handlers::answered> undo_saga(write& each, const saga::plan& of, turn_scope& in);
  outcome<handlers::answered> handle(write& each, turn_scope& in);
  outcome<handlers::answered> run_command(write& each, turn_scope& in);
  static bool take_own_answer(write& each, std::size_t from, turn_output& output);
  void keep(const write& each, std::uint64_t digest, store::inbox_state state);

  group& group_;
  turn_inbox& inbox_;
  // Commands that asked for effects while there was no room for more.
  std::set<std::string, std::less<>> ask_for_effects_;
  awaited_answers& awaited_;
  instant told_of_clock_{};
};

} // namespace troupe
