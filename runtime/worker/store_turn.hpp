#pragma once

#include "runtime/worker/awaited_answers.hpp"
#include "runtime/worker/busy_clock.hpp"
#include "runtime/worker/call_turn.hpp"
#include "runtime/worker/event_turn.hpp"
#include "runtime/worker/forgetting.hpp"
#include "runtime/worker/outbox_trim.hpp"
#include "runtime/worker/regular_work.hpp"
#include "runtime/worker/replicas.hpp"
#include "runtime/worker/runner_store.hpp"
#include "runtime/worker/takeover.hpp"
#include "runtime/worker/turn_inbox.hpp"
#include "runtime/worker/turn_scope.hpp"
#include "runtime/worker/write.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

/// Replies leave when a turn ends, so that it must end soon also where every handler is slow.
inline constexpr milliseconds turn_time_max{5};

/// The writing turn: many messages, one transaction, one fsync, under the fair lock.
///
/// A command's inbox row, what its handler wrote, and its effects are committed together. A throw
/// rolls the turn back, and the messages before the one that threw are run again without it, on
/// instances that do not know of the first time.
/// Replies leave only after `run` has returned. Confined to the runner's thread; borrows
/// everything.
class store_turn {
public:
  store_turn(
      group& of,
      runner_store& store,
      event_turn& events,
      busy_clock& busy,
      runner_metrics& metrics,
      message_spans& spans);

  /// The group's effects, if its actors have any.
  void use(effect_pool* effects) { effects_ = effects; }

  /// Events up to here are in the journal: the outbox can forget them.
  void confirmed(const store::outbox_mark& up_to) { trim_.confirmed(up_to); }

  /// Runs `writes` from the front.
  ///
  /// @param output filled with the wishes of the committed turn; empty if none was committed.
  /// @param instances those that the writes are given to: made anew before a turn that was undone
  /// is run again.
  /// @return how many are settled; the others have not happened and are to be tried again.
  std::size_t run(std::vector<write>& writes, turn_output& output, replicas& instances);

  /// The session was lost: connects anew, joins as a new writer and fences the one that it was. The
  /// commit of that is the barrier behind which it is known what became of a turn whose commit
  /// nobody answered: whatever is found in the database then is on the disks of its standbys, too,
  /// and nothing of before can come any more. What it owned is taken over in the next turn.
  /// Whatever is remembered of the database is dropped, as that may be an older one now.
  ///
  /// Throws database_error; to be tried again, since until it has worked the store `is_away`.
  void come_back(saga::coordinators* sagas);

  /// The group is down: gives up the effects and sagas of this process, for others to go on with,
  /// if it has not done so since the last turn. What cannot be written now is tried at the next
  /// call; a database that is found damaged shuts the group.
  void resign(saga::coordinators* sagas);

  /// Answers that others have stored and this process has yet to send. Outside of a turn. A
  /// database that is found damaged shuts the group.
  std::vector<saga::outgoing::answer> stored_answers();

  /// The process has been at work without a turn: answers others that ask whether it is alive, if
  /// that has not been looked at for 250 ms. What cannot be written now is tried at the next call;
  /// a database that is found damaged shuts the group.
  void show_alive();

private:
  enum class end : std::uint8_t { committed, again, threw, narrowed, failed, put_back };

  bool take_lock(std::vector<write>& writes);
  end attempt(
      std::vector<write>& writes, std::size_t& count, bool may_end_early, turn_output& output);
  /// @return false if the turn must be undone and run again.
  bool
  run_all(std::vector<write>& writes, std::size_t& count, bool may_end_early, turn_output& output);
  /// @return false if the turn must be run again, since this message has to be undone alone.
  bool run_one(write& each, turn_scope& in);
  void keep_house(write& each, turn_scope& in);
  end after_fault(
      std::vector<write>& writes, std::size_t count, const store::database_error& fault);
  end blame(std::vector<write>& writes, std::size_t count, std::string reason);
  end convict(std::vector<write>& writes, std::size_t count, std::string reason);
  end give_up(std::vector<write>& writes, std::size_t count, const std::string& reason);
  end narrow(std::vector<write>& writes, std::size_t count, std::string reason);
  void commit(instant began);
  void finish_commit(turn_output& output);
  void checkpoint();
  void roll_back();

  group& group_;
  runner_store& store_;
  event_turn& events_;
  busy_clock& busy_;
  runner_metrics& metrics_;
  message_spans& spans_;
  effect_pool* effects_ = nullptr;
  saga::coordinators* sagas_ = nullptr;
  turn_inbox inbox_;
  awaited_answers awaited_;
  call_turn calls_;
  takeover takeover_;
  regular_work regular_;
  outbox_trim trim_;
  forgetting forgetting_;
  // The index of the message at hand; the greatest number before the first.
  std::size_t at_ = static_cast<std::size_t>(-1);
  // The most messages of a turn: fewer after a commit that one of them made fail, until it is
  // found.
  std::size_t width_ = static_cast<std::size_t>(-1);

  struct {
    bool has_resigned = false;
    // The last time at which it was looked at whether others ask if this process is alive.
    instant shown_at{};
  } alive_;
};

} // namespace troupe
