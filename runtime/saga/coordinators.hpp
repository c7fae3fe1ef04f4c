#pragma once

#include "runtime/saga/journal.hpp"
#include "runtime/saga/machine.hpp"
#include "runtime/saga/mover.hpp"
#include "runtime/saga/order.hpp"
#include "runtime/saga/outgoing.hpp"
#include "runtime/saga/plan.hpp"
#include "runtime/saga/plan_book.hpp"
#include "runtime/saga/running_sagas.hpp"
#include "runtime/saga/troubles.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::saga {

/// The running sagas of one capability in one process: a coordinator for each, which owns its state
/// and changes it only by its own events.
///
/// Coordinators are neither threads nor CAF actors: a decision is journaled in the turn that
/// brought the event, so that all share one commit (README, Decisions). Confined to the thread of
/// the group's writer. Functions run inside a turn; `rolled_back` throws away the changes in memory
/// of the sagas touched, which are read again from the journal when they are next needed.
class coordinators {
public:
  explicit coordinators(std::vector<plan> plans);
  coordinators(const coordinators&) = delete;

  plan_book& plans() { return plans_; }

  const plan_book& plans() const { return plans_; }

  /// Starts a saga. Its id is the call's: the inbox answers a repeat of the call.
  ///
  /// @param within the time that the caller gives, if less than that of the definition.
  /// @param trace of the call (observe/trace_context.hpp); may be empty.
  /// @param line the call's ordering key (`definition::at_once`); may be empty.
  /// @errors the input is not accepted, or the saga was undone before this call came; `overloaded`,
  /// reason `queue_full`: no more sagas may wait for their turn. Nothing was written.
  outcome<void> start(
      const saga_turn& in,
      const uuid& id,
      const plan& by,
      std::string_view input,
      milliseconds within,
      std::string_view trace = {},
      std::string_view line = {});

  /// Undoes the saga `id`, because the saga of which it was a step undoes that step by `call`.
  /// `call` is answered once `id` is undone.
  /// @param of the operation that started it.
  /// @return whether nothing is left to undo, so that `call` is to be answered at once.
  /// @errors `rejected`, reason `no_saga`: the saga is one of another operation; reason
  /// `forgotten`: it is no longer known whether it ever began.
  outcome<bool> undo(const saga_turn& in, const plan& of, const uuid& id, const uuid& call);

  /// Stores a message for step `step`, which waits for it, of a saga of `operation`. `hear` gives
  /// it to the saga, in this process or in the one that owns the saga.
  /// @errors those of `read`; `rejected`, with the reason `no_saga`, `over`, `undoing` or
  /// `answered`.
  outcome<uuid> tell(
      store::database& session,
      std::string_view operation,
      const step& waits,
      std::string_view body,
      wall_time now);

  /// Counts an event that was for no saga that waits for it (`standing::unheard`).
  void unheard() { ++unheard_; }

  /// Gives the sagas that run here the messages stored for them, and turns back those that are to
  /// be undone: all of them (`look`), or those that this process has stored something for. A saga
  /// whose events throw is put off, and the others go on.
  void hear(const saga_turn& in, bool look);

  /// Starts sagas that waited for their turn, as many as there is room for. One that throws is put
  /// off.
  void admit(const saga_turn& in);

  /// A call ended. Answers to sagas that are over, or owned by others by now, change nothing.
  void answered(
      const saga_turn& in, const uuid& id, std::uint64_t token, bool failed, std::string_view body);

  void timer_due(const saga_turn& in, const uuid& id, std::uint64_t token);

  /// Loads the unfinished sagas of `writer` that are not running here, and those whose wait after a
  /// failure is over, at most `troubles::due_max` of the latter. One that fails again waits again,
  /// and is parked after `troubles::failures_max` failures in a row.
  /// @param progress called after each: all of them may take longer than a turn may.
  /// @return how many.
  std::size_t resume(
      const saga_turn& in, const std::function<void()>& progress = [] {});

  /// Takes over the unfinished sagas of all fenced writers, as far as this program can continue
  /// them. The others are left unchanged, for a program that can.
  /// @param progress as for `resume`.
  /// @return how many.
  std::size_t take_left_alone(
      const saga_turn& in, const std::function<void()>& progress = [] {});

  /// Carries out a person's order to a saga that runs here or is stopped: parked, left alone, or
  /// waiting here after a failure.
  ///
  /// @errors `rejected`, reason `no_saga`, `elsewhere` or `not_waiting` (it runs in another
  /// process), or as `may_obey`; `conflict` if this program cannot continue it. Nothing was
  /// written.
  outcome<void> obey(const saga_turn& in, const uuid& id, const order& wanted);

  /// An event of a saga threw, and its turn was undone: the saga waits, and then asks again.
  void put_off(const uuid& id, std::string reason, wall_time now, instant time);

  const troubles& standing_still() const { return troubles_; }

  /// The turn was committed: forgets the sagas that are over, and leaves no timer of theirs in
  /// `out`.
  void committed(outgoing& out);

  /// The turn was rolled back: drops the sagas it touched from memory. `resume` reads them again.
  void rolled_back();

  /// The process lost its right to write: forgets everything.
  void forget_all();

  /// The sagas that run here.
  const running_sagas& running() const { return running_; }

  /// The number of sagas of this process, by state. Walks them all.
  standing standing_now(wall_time now) const;

  /// Whether sagas of this process may be missing from memory, any number of them.
  bool is_behind() const { return behind_; }

  /// Whether there may be sagas of this process that are not in memory: before the first `resume`
  /// (an earlier instance may have run some), after a rollback, and when the wait of one is over.
  /// Ask this at the start of each turn, since events of sagas that are not running change nothing.
  bool wants_resume(instant time) const {
    return behind_ || !lost_.empty() || troubles_.next_due() <= time;
  }

private:
  /// Loads a saga that `writer` owns, or that has no owner, and undoes what was done if that
  /// throws.
  /// @param which with epoch 0 where that is not known: it is tried again if it was left alone.
  /// @return whether it runs now.
  bool take_up(const saga_turn& in, const owned_saga& which);
  /// Does `work` for a saga; if that throws, undoes what it did and puts the saga off.
  /// @return what `work` did; false if it threw.
  bool attempt(const saga_turn& in, const uuid& id, const std::function<bool()>& work);
  /// Reads a saga from its journal and lets it repeat the call that has no answer.
  bool load(const saga_turn& in, const uuid& id);
  /// Runs a saga here, in the state that its journal has.
  coordinator& run(const saga_row& row, replayed found, wall_time since, std::int64_t epoch);
  void recall(const saga_turn& in, const saga_row& row);
  outcome<void> obey_elsewhere(const saga_turn& in, const saga_row& row, const order& wanted);

  plan_book plans_;
  running_sagas running_;
  mover mover_{running_};
  troubles troubles_;
  bool behind_ = true;
  // The sagas that left memory when a turn was undone, with their traces.
  std::map<uuid, std::string> lost_;
  // `resume` ran in this turn.
  bool resumed_ = false;
  std::uint64_t unheard_ = 0;
  // The sagas that this process stored messages for in this turn.
  std::set<uuid> told_;
  // How far the last look at stored messages came, if it did not reach the end.
  uuid looked_to_{};
};

} // namespace troupe::saga
