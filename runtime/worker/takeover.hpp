#pragma once

#include "runtime/worker/awaited_answers.hpp"
#include "runtime/worker/runner_store.hpp"
#include "runtime/worker/turn_scope.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace troupe {

/// The work that this process owns under its writer's number.
struct owned_work {
  group& of;
  runner_store& store;
  /// Null as in `turn_scope`.
  saga::coordinators* sagas;
  effect_pool* effects;
  /// Gets the calls that are owed an answer, once somebody else goes on with them.
  awaited_answers& awaited;
};

/// Takes over the work of processes over the same database that are gone: their sagas and effects
/// become those of this process, as far as its program can continue them. A process that was taken
/// over by mistake finds itself fenced and joins again.
///
/// Confined to the runner's thread.
class takeover {
public:
  /// A turn begins; its further attempts do not call this.
  void begin() { rejoined_ = false; }

  /// Takes over every writer that has resigned, and every one that no broker has listed as alive
  /// for 700 ms and that has not answered in the database in the meantime: its group may work for a
  /// broker that is not known here.
  /// @param roster housekeeping, with the live workers according to the brokers.
  /// @param by knows which effects this program has.
  void look(const item& roster, const actor& by, turn_scope& in);

  /// Takes a new writer's number after this process was fenced, in a transaction of its own. The
  /// work of the old number belongs to its heir.
  /// @param awaited gets the calls that the process has yet to answer.
  void rejoin(const owned_work& own);

  /// The session was lost and is reconnected: takes a new writer's number and fences its old
  /// one, in a transaction of its own. Its former work is left for `take_own_left`.
  ///
  /// Throws database_error; must be tried again.
  void rejoin_after_loss(const owned_work& own);

  /// Takes over the work that this process owned before it rejoined, once.
  void take_own_left(const actor& by, turn_scope& in);

  /// Called after the commit of a turn.
  void committed() { owes_itself_ = false; }

  /// The group is down: gives up the work that this process owns and takes a new writer's number,
  /// in a transaction of its own. Throws database_error; nothing has changed then.
  void resign(const owned_work& own);

private:
  void take_over(const store::writer_row& from, const actor& by, turn_scope& in);
  std::size_t take_left(const actor& by, turn_scope& in);
  void forget_own_work(const owned_work& own);

  // Whether this process was fenced in this turn, so that the roster in hand is too old.
  bool rejoined_ = false;
  // Whether the work that it owned before its session was lost must be taken over.
  bool owes_itself_ = false;

  /// A writer that no broker lists as alive.
  struct missing_writer {
    instant since{};
    /// The number of the question asked in the database.
    std::int64_t question = 0;
  };

  static bool is_given_up(
      const store::writer_row& which, missing_writer& note, const turn_scope& in, instant time);

  std::map<std::int64_t, missing_writer> missing_;
  instant looked_at_{};
  instant looked_for_left_at_{};
  // Effects that this program does not have, by name: logged once.
  std::set<std::string> left_alone_;
};

} // namespace troupe
