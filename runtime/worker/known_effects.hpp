#pragma once

#include "runtime/ids.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace troupe {

/// The effects that a pool has, by key: those that wait, run, or have a result that is not yet in
/// the database; and how many have a result whose answer has not left.
///
/// Under the mutex of its pool.
class known_effects {
public:
  /// What was known of an effect that is taken.
  struct before {
    bool is_new = true;
    bool was_owned = false;
  };

  /// Takes an effect that this process owns.
  before take(const uuid& key, const uuid& call);

  std::size_t size() const { return notes_.size(); }

  /// The calls and events that asked for them.
  std::vector<uuid> calls() const;

  /// Its result is in the database, and is in hand until it was told.
  /// @return how many have ended by this: one, or none if it is not known.
  std::int64_t settled(const uuid& key);

  void told(std::int64_t count) { telling_ -= count; }

  /// Its result is kept, and settled later.
  void put_off(const uuid& key);

  void forget(const uuid& key) { notes_.erase(key); }

  /// This process owns none of them any more.
  void disown_all();

  /// Forgets it if this process does not own it. @return whether it did.
  bool forget_if_disowned(const uuid& key);

  /// Those that a drain waits for, if so many of them wait for something else.
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
