#include "runtime/worker/runner_effects.hpp"

namespace troupe {

void runner_effects::submit(std::vector<store::effect_row>& effects, store_turn& turn) {
  if (!effects.empty() && !pool_) {
    // A pool is made also for an actor that has effects no more: they are promised, and the log
    // says who waits.
    pool_ = std::make_unique<effect_pool>(
        group_, [this] { return instances_.make_instance(group_.options().replicas.front()); });
    turn.use(pool_.get());
    group_.use(pool_.get());
  }
  if (pool_) {
    pool_->submit(effects);
  }
}

} // namespace troupe
