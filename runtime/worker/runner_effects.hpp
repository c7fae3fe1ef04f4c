#pragma once

#include "runtime/worker/effect_pool.hpp"
#include "runtime/worker/replicas.hpp"
#include "runtime/worker/store_turn.hpp"

#include <memory>
#include <vector>

namespace troupe {

/// The effects of a runner: no pool until one is promised.
///
/// Confined to the runner's thread; borrows its arguments.
class runner_effects {
public:
  runner_effects(group& of, replicas& instances) : group_{of}, instances_{instances} {}

  bool has_room() const { return !pool_ || pool_->has_room(); }

  /// Hands the effects of a committed turn over, before any result of the same turn is settled:
  /// after a takeover the list may have an effect whose result the turn wrote down, and the pool
  /// passes over what it still knows.
  void submit(std::vector<store::effect_row>& effects, store_turn& turn);

  /// The result of the effect `key` is in the database.
  /// @return how many effects have ended by this: one, or none if it was not known.
  std::int64_t settled(const uuid& key) { return pool_ ? pool_->settled(key) : 0; }

  /// The result of the effect `key` is kept, and settled later.
  void put_off(const uuid& key) {
    if (pool_) {
      pool_->put_off(key);
    }
  }

private:
  group& group_;
  replicas& instances_;
  std::unique_ptr<effect_pool> pool_;
};

} // namespace troupe
