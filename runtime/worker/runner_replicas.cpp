#include "runtime/worker/runner.hpp"

#include <algorithm>

// The replicas of a runner: made, chosen, thrown away.

namespace troupe {

runner::replica* runner::replica_for(std::string_view key) {
  const std::size_t count = replicas_.size();
  const std::size_t first =
      key.empty() ? next_replica_++ : digest_of(std::as_bytes(std::span{key}));
  for (std::size_t i = 0; i < count; ++i) {
    replica& each = replicas_[(first + i) % count];
    if (each.instance) {
      return &each;
    }
  }
  return nullptr;
}

bool runner::has_instance() const {
  return std::any_of(replicas_.begin(), replicas_.end(), [](const replica& each) {
    return each.instance != nullptr;
  });
}

std::unique_ptr<actor> runner::make_instance(int number) {
  const worker_parts& parts = group_.parts();
  return group_.type().make(context{
      group_.name(),
      number,
      parts.node,
      parts.folder,
      group_.options().config,
      parts.time,
      parts.log});
}

void runner::rebuild_spoilt(std::size_t settled) {
  for (replica& by : replicas_) {
    const bool spoilt = std::any_of(
        writes_.begin(),
        writes_.begin() + static_cast<std::ptrdiff_t>(settled),
        [&](const write& each) { return each.spoilt && each.by == by.instance.get(); });
    // Coordinators know themselves what a rollback took from them.
    if (!spoilt || !by.instance || by.instance->sagas() != nullptr) {
      continue;
    }
    try {
      by.instance = make_instance(by.number);
    } catch (const std::exception& thrown) {
      discard(by, thrown.what(), std::nullopt);
    } catch (...) {
      discard(by, "its constructor threw something that is no std::exception", std::nullopt);
    }
  }
}

void runner::discard(replica& broken, std::string reason, const std::optional<uuid>& message) {
  broken.instance.reset();
  group_.counters().restarts.fetch_add(1, std::memory_order_relaxed);
  tell_(supervision::child_exited{
      static_cast<supervision::child_id>(broken.number),
      broken.generation,
      supervision::exit_kind::abnormal,
      std::move(reason),
      message});
}

void runner::start(supervision::child_id child, std::uint64_t generation) {
  for (replica& each : replicas_) {
    if (static_cast<supervision::child_id>(each.number) != child) {
      continue;
    }
    try {
      each.instance = make_instance(each.number);
      each.generation = generation;
      if (turn_ && !effects_ && each.instance->has_effects()) {
        effects_ = std::make_unique<effect_pool>(
            group_, [this, number = each.number] { return make_instance(number); });
        turn_->use(effects_.get());
      }
      tell_(supervision::child_started{child, generation});
    } catch (const std::exception& thrown) {
      each.instance.reset();
      tell_(supervision::child_start_failed{child, generation, thrown.what()});
    } catch (...) {
      each.instance.reset();
      tell_(supervision::child_start_failed{
          child, generation, "its constructor threw something that is no std::exception"});
    }
  }
}

void runner::stop(supervision::child_id child, std::uint64_t generation) {
  for (replica& each : replicas_) {
    if (static_cast<supervision::child_id>(each.number) == child) {
      each.instance.reset();
    }
  }
  tell_(supervision::child_stopped{child, generation});
}

} // namespace troupe
