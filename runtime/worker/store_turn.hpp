#pragma once

#include "runtime/actor/actor.hpp"
#include "runtime/store/turn/inbox.hpp"
#include "runtime/store/turn/known_ids.hpp"
#include "runtime/worker/effect_pool.hpp"
#include "runtime/worker/event_turn.hpp"
#include "runtime/worker/group.hpp"
#include "runtime/worker/runner_store.hpp"

#include <atomic>
#include <chrono>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// What came of an item.
struct answer {
  enum class kind : std::uint8_t { none, ok, error, pending };

  kind is = kind::none;
  /// The reply's body, or the error's MessagePack map.
  std::string bytes;
};

/// One message of a writing turn and what came of it.
struct write {
  item* what = nullptr;
  actor* by = nullptr;
  int replica = 0;
  supervision::admitted admitted{};
  bool with_savepoint = false;
  /// Its handler was called in the last attempt.
  bool ran = false;
  /// What came of it says nothing of the group's health: a repeat answered from the inbox, a call
  /// whose time was up, an effect that has yet to run.
  bool says_nothing = false;
  /// The turn in which `by` worked on it was not committed: what that instance remembers may never
  /// have happened.
  bool spoilt = false;
  /// Its handler threw this; the instance is not to be trusted any more.
  std::optional<std::string> threw{};
  std::optional<errc> failed{};
  std::chrono::nanoseconds took{};
  answer result{};
};

/// The writing turn of DESIGN 7: many messages, one transaction, one fsync, under the fair lock.
///
/// Each command meets the inbox first; its row, what its handler wrote, and its effects are
/// committed together. A refusal is undone and stored as the answer. A throw rolls the turn back
/// and its predecessors are run again without it. Replies leave only after `run` returned. Confined
/// to the thread of its runner; borrows everything.
class store_turn {
public:
  store_turn(group& of, runner_store& store, event_turn& events, std::atomic<std::int64_t>& busy);

  /// The group's effects, if its actors have any.
  void use(effect_pool* effects) { effects_ = effects; }

  /// Events up to here are in the journal: the outbox can forget them.
  void confirmed(std::uint64_t up_to) { confirmed_ = up_to; }

  /// Runs `writes` from the front. `output` is what the committed turn wants done, and empty if
  /// none was committed.
  /// @return how many are settled; the others have not happened and are to be tried again.
  std::size_t run(std::vector<write>& writes, turn_output& output, saga::coordinators* sagas);

private:
  enum class end : std::uint8_t { committed, again, threw, failed };

  bool take_lock(std::vector<write>& writes);
  void begin();
  end attempt(
      std::vector<write>& writes, std::size_t& count, bool may_end_early, turn_output& output);
  /// False if the turn must be undone and run again.
  bool
  run_all(std::vector<write>& writes, std::size_t& count, bool may_end_early, turn_output& output);
  end after_fault(
      std::vector<write>& writes, std::size_t count, const store::database_error& fault);
  end blame(std::vector<write>& writes, std::size_t count, std::string reason);
  void tidy();
  /// False if the turn must be run again, since this one has to be undone by itself.
  bool run_one(write& each, turn_output& output, wall_time now);
  bool run_call(write& each, turn_output& output, wall_time now);
  static bool take_own_answer(write& each, std::size_t from, turn_output& output);
  void keep(const write& what, std::uint64_t digest, store::inbox_state state);
  void insert_inbox_rows();
  bool is_answered_without_work(write& each, std::uint64_t digest, wall_time now);
  bool answer_from_inbox(write& each, std::uint64_t digest);
  outcome<handlers::answered> handle(write& each, turn_output& output, wall_time now);
  outcome<handlers::answered> run_command(write& each, turn_output& output, wall_time now);
  void run_saga_event(write& each, turn_output& output, wall_time now);
  bool run_effect_result(write& each, turn_output& output, wall_time now);
  outcome<void> settle(
      write& each,
      const store::effect_row& row,
      const outcome<std::string_view>& result,
      std::string& reply,
      turn_output& output,
      wall_time now);
  void keep_order(write& each, turn_output& output, wall_time now);
  void read_order(turn_output& output);
  void keep_house(const item& what, turn_output& output, wall_time now);
  void take_over(const store::writer_row& from, turn_output& output, wall_time now);
  /// Publishes the events whose time has come.
  void move_timers(turn_output& output, wall_time now);
  void forget_confirmed(std::uint64_t at_least);
  void rejoin();
  void fail_all(std::vector<write>& writes, std::size_t count, const error& why);
  void roll_back();
  bool is_too_old(const uuid& id, wall_time now) const;

  group& group_;
  runner_store& store_;
  event_turn& events_;
  effect_pool* effects_ = nullptr;
  std::atomic<std::int64_t>& busy_;
  saga::coordinators* sagas_ = nullptr;
  // The message at hand; `none` between messages.
  static constexpr std::size_t none = std::numeric_limits<std::size_t>::max();
  std::size_t at_ = none;
  // Of messages of the turn at hand: what they borrow stays until it ends.
  std::vector<store::inbox_row> inbox_rows_;
  instant began_{};
  // What is known of the inbox, as of this version of the database; none if that is not known.
  store::known_ids known_;
  std::optional<std::uint64_t> known_at_;
  // Fenced in this turn: what was known of who is alive is too old to act on.
  bool rejoined_ = false;
  // Writers that no broker lists as alive, and since when.
  std::map<std::int64_t, instant> missing_;
  instant looked_at_{};
  instant forgot_at_{};
  // Of the outbox: in the journal; deleted, and in the turn at hand; 0 while nobody has looked.
  std::uint64_t confirmed_ = 0;
  std::uint64_t forgotten_ = 0;
  std::uint64_t forgetting_ = 0;
};

} // namespace troupe
