#pragma once

#include "runtime/ids.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace troupe {

/// The effects of a pool, by key: those that wait, run, or have a result that is not yet in the
/// database; and the number of results whose answer has not been sent.
///
/// Under the mutex of its pool.
class known_effects {
public:
  /// The previous state of an effect that is taken.
  struct before {
    bool is_new = true;
    bool was_owned = false;
  };

  /// Takes an effect that this process owns.
  before take(const uuid& key, const uuid& call);

  std::size_t size() const { return notes_.size(); }

  /// The calls and events that asked for them.
  std::vector<uuid> calls() const;

  /// Its result is in the database, and stays in hand until it is told.
  /// @return how many effects have ended by this: one, or none if it is not known.
  std::int64_t settled(const uuid& key);

  void told(std::int64_t count) { telling_ -= count; }

  /// Its result is kept, and settled later.
  void put_off(const uuid& key);

  void forget(const uuid& key) { notes_.erase(key); }

  /// Notes that this process no longer owns any of them.
  void disown_all();

  /// Forgets it if this process does not own it. @return whether it did.
  bool forget_if_disowned(const uuid& key);

  /// The number that a drain waits for, if this many of them wait for something else.
  std::int64_t in_hand(std::size_t waiting) const;

private:
  struct note {
    uuid call;
    bool is_owned = true;
    bool is_put_off = false;
  };

  std::map<uuid, note> notes_;
  std::int64_t telling_ = 0;
};

} // namespace troupe
