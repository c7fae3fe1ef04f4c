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

/// Replies are sent when a turn ends, so that it must end soon even if every handler is slow.
inline constexpr milliseconds turn_time_max{5};

/// The writing turn: many messages, one transaction, one fsync, under the fair lock.
///
/// A command's inbox row, its handler's writes, and its effects are committed together. A throw
/// rolls the turn back, and the messages before the one that threw are run again without it, on new
/// instances. Replies are sent only after `run` has returned. Confined to the runner's thread;
/// borrows everything.
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

  /// Events up to this number are in the journal: the outbox can delete them.
  void confirmed(const store::outbox_mark& up_to) { trim_.confirmed(up_to); }

  /// Runs `writes` from the front.
  ///
  /// @param output receives the actions of the committed turn; empty if none was committed.
  /// @param instances the instances that run the writes: made again before an undone turn is run
  /// again.
  /// @return how many are settled; the others have not happened and must be tried again.
  std::size_t run(std::vector<write>& writes, turn_output& output, replicas& instances);

  /// The session was lost: reconnects, joins as a new writer and fences its former one. This
  /// commit is the barrier after which the outcome of a turn whose commit got no answer is known:
  /// everything in the database then is on the disks of its standbys, too, and nothing earlier can
  /// still arrive. The former writer's work is taken over in the next turn. All memory of the
  /// database is dropped, as that may be an older one now.
  ///
  /// Throws database_error; must be tried again, since until it succeeds the store `is_away`.
  void come_back(saga::coordinators* sagas);

  /// The group is down: gives up the effects and sagas of this process, for others to continue, if
  /// it has not done so since the last turn. A failed write is tried again at the next call; a
  /// damaged database shuts the group.
  void resign(saga::coordinators* sagas);

  /// Answers that others have stored and this process has yet to send. Outside a turn. A damaged
  /// database shuts the group.
  std::vector<saga::outgoing::answer> stored_answers();

  /// The process has been working without a turn: answers other processes that ask whether it is
  /// alive, if that has not been checked for 250 ms. A failed write is tried again at the next
  /// call; a damaged database shuts the group.
  void show_alive();

private:
  enum class end : std::uint8_t { committed, again, threw, narrowed, failed, put_back };

  bool take_lock(std::vector<write>& writes);
  end attempt(
      std::vector<write>& writes, std::size_t& count, bool may_end_early, turn_output& output);
  /// @return false if the turn must be undone and run again.
  bool
  run_all(std::vector<write>& writes, std::size_t& count, bool may_end_early, turn_output& output);
  /// @return false if the turn must be run again, since this message must be undone alone.
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
  // The index of the current message; the greatest number before the first.
  std::size_t at_ = static_cast<std::size_t>(-1);
  // The most messages of a turn: reduced after a commit that one of them made fail, until it is
  // found.
  std::size_t width_ = static_cast<std::size_t>(-1);

  struct {
    bool has_resigned = false;
    // The last time at which it was checked whether others ask if this process is alive.
    instant shown_at{};
  } alive_;
};

} // namespace troupe
