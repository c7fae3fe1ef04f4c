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
/// and moves only by its own events.
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

  /// Starts a saga. Its id is the call's: a repeat of the call meets the inbox.
  ///
  /// @param within the time the caller gives it, if less than the definition's.
  /// @param trace of the call (observe/trace_context.hpp); may be empty.
  /// @param line the call's ordering key (`definition::at_once`); may be empty.
  /// @errors the input is not accepted, or it was undone before it came; `overloaded`, reason
  /// `queue_full`: as many wait for their turn as may. Nothing was written.
  outcome<void> start(
      const saga_turn& in,
      const uuid& id,
      const plan& by,
      std::string_view input,
      milliseconds within,
      std::string_view trace = {},
      std::string_view line = {});

  /// The saga of which `id` was a step undoes that step by `call`: what `id` has done is undone,
  /// and `call` is answered then.
  /// @param of the operation that began it.
  /// @return whether nothing is left to undo: `call` is to be answered at once.
  /// @errors `rejected`, reason `no_saga`: it is one of another operation; reason `forgotten`:
  /// nobody knows whether it ever began.
  outcome<bool> undo(const saga_turn& in, const plan& of, const uuid& id, const uuid& call);

  /// Somebody says something to step `step` of the sagas of `operation`, by a message that `read`
  /// reads. What was said is heard by `hear`, here or in the process that owns the saga.
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

  /// Gives the sagas that run here what was said to them, and turns those back that are to be
  /// undone: of all (`look`), or those that this process was told about since.
  /// One whose events throw is put off, and the others go on.
  void hear(const saga_turn& in, bool look);

  /// Lets sagas begin that waited for their turn, as many as there is room for. One that throws is
  /// put off.
  void admit(const saga_turn& in);

  /// A call ended. Answers to sagas that are over, or owned by others by now, change nothing.
  void answered(
      const saga_turn& in, const uuid& id, std::uint64_t token, bool failed, std::string_view body);

  void timer_due(const saga_turn& in, const uuid& id, std::uint64_t token);

  /// Takes up the unfinished sagas of `writer` that are not running here, and those whose wait
  /// after a failure is over, `troubles::due_max` of these at most. One that fails again waits
  /// again, and is parked after `troubles::failures_max` failures in a row.
  /// @param progress called after each: there may be more than a turn's time is enough for.
  /// @return how many.
  std::size_t resume(
      const saga_turn& in, const std::function<void()>& progress = [] {});

  /// Takes over the unfinished sagas of all writers that are fenced, as far as this program can
  /// continue them. The others stay as they are, for a program that can.
  /// @param progress as for `resume`.
  /// @return how many.
  std::size_t take_left_alone(
      const saga_turn& in, const std::function<void()>& progress = [] {});

  /// A person's order to a saga that runs here, or that stands still: it is parked, left alone, or
  /// waits here after a failure.
  ///
  /// @errors `rejected`, reason `no_saga`, `elsewhere` or `not_waiting` (it runs in another
  /// process), or as `may_obey`; `conflict` if this program cannot continue it. Nothing was
  /// written.
  outcome<void> obey(const saga_turn& in, const uuid& id, const order& wanted);

  /// An event of a saga threw, and its turn was undone: the saga waits, and asks anew then.
  void put_off(const uuid& id, std::string reason, wall_time now, instant time);

  const troubles& standing_still() const { return troubles_; }

  /// The turn was committed: forgets the sagas that are over, and leaves no timer of theirs in
  /// `out`.
  void committed(outgoing& out);

  /// The turn was rolled back: forgets what is in memory of the sagas it touched. `resume` reads
  /// them again.
  void rolled_back();

  /// The process lost its right to write: forgets everything.
  void forget_all();

  /// The sagas that run here.
  const running_sagas& running() const { return running_; }

  /// The number of sagas of this process, by state. Walks them all.
  standing standing_now(wall_time now) const;

  /// Whether sagas of this process may not be in memory, however many.
  bool is_behind() const { return behind_; }

  /// Whether there may be sagas of this process that are not in memory: before the first `resume`
  /// (an earlier instance may have run some), after a rollback, and when the wait of one is over.
  /// To be asked at the start of each turn, since events of sagas that are not running change
  /// nothing.
  bool wants_resume(instant time) const {
    return behind_ || !lost_.empty() || troubles_.next_due() <= time;
  }

private:
  /// Takes a saga up that `writer` owns, or nobody, and undoes what was done if that throws.
  /// @param which with epoch 0 where that is not known: it is looked at again if it was left alone.
  /// @return whether it runs now.
  bool take_up(const saga_turn& in, const owned_saga& which);
  /// Does `work` for a saga; if that throws, undoes what it did and puts the saga off.
  /// @return what `work` did; false if it threw.
  bool attempt(const saga_turn& in, const uuid& id, const std::function<bool()>& work);
  /// Reads a saga from its journal and lets it repeat the call that has no answer.
  bool load(const saga_turn& in, const uuid& id);
  /// Lets a saga run here as its journal has it.
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
  // The sagas that this process told something in this turn.
  std::set<uuid> told_;
  // The place that the last look at what others were told reached, if there was more than it took.
  uuid looked_to_{};
};

} // namespace troupe::saga
