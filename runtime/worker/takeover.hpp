#pragma once

#include "runtime/worker/runner_store.hpp"
#include "runtime/worker/turn_scope.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace troupe {

/// Takes over the work of processes over the same database that are gone: their sagas and effects
/// become those of this process, as far as its program can go on with them. A process that was
/// taken over by mistake finds itself fenced and joins anew.
///
/// Confined to the runner's thread.
class takeover {
public:
  /// A turn begins; its further attempts do not call this.
  void begin() { rejoined_ = false; }

  /// Takes over every writer that no broker has listed as alive for 700 ms.
  /// @param roster housekeeping, with who is alive according to the brokers.
  /// @param by knows which effects this program has.
  /// @return false if the roster is too old to act on.
  bool look(const item& roster, const actor& by, turn_scope& in);

  /// This process was fenced: takes a new writer's number, in a transaction of its own. What it
  /// owned under the old one belongs to its heir.
  void rejoin(group& of, runner_store& store, saga::coordinators* sagas, effect_pool* effects);

private:
  void take_over(const store::writer_row& from, const actor& by, turn_scope& in);
  std::size_t take_left(const actor& by, turn_scope& in);

  // Whether this process was fenced in this turn, so that the roster in hand is too old.
  bool rejoined_ = false;
  // Writers that no broker lists as alive, and since when.
  std::map<std::int64_t, instant> missing_;
  instant looked_at_{};
  instant looked_for_left_at_{};
  // Effects that this program does not have, by name: told once.
  std::set<std::string> left_alone_;
};

} // namespace troupe
