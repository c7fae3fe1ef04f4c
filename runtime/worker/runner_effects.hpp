#pragma once

#include "runtime/worker/effect_pool.hpp"
#include "runtime/worker/replicas.hpp"
#include "runtime/worker/store_turn.hpp"

#include <memory>
#include <vector>

namespace troupe {

/// The effects of a runner; there is no pool until an effect is accepted.
///
/// Confined to the runner's thread; borrows its arguments.
class runner_effects {
public:
  runner_effects(group& of, replicas& instances) : group_{of}, instances_{instances} {}

  bool has_room() const { return !pool_ || pool_->has_room(); }

  /// Passes the effects of a committed turn to the pool, before any result of the same turn is
  /// settled: after a takeover the list may have an effect whose result the turn stored, and the
  /// pool skips effects that it still knows.
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
