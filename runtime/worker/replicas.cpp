#include "runtime/worker/replicas.hpp"

#include "runtime/thrown.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe {

replicas::replicas(
    group& of, const std::vector<int>& numbers, busy_clock& busy, runner_metrics& metrics)
    : group_{of}, busy_{busy}, metrics_{metrics} {
  for (const int number : numbers) {
    all_.push_back({number, 0, nullptr});
  }
}

replica* replicas::choose(std::string_view key) {
  const std::size_t count = all_.size();
  const std::uint64_t first = key.empty() ? next_++ : digest_of(std::as_bytes(std::span{key}));
  const std::size_t start = count == 0 ? 0 : static_cast<std::size_t>(first % count);
  for (std::size_t i = 0; i < count; ++i) {
    replica& each = all_[start + i < count ? start + i : start + i - count];
    if (each.instance) {
      return &each;
    }
  }
  return nullptr;
}

bool replicas::any() const {
  return std::ranges::any_of(all_, [](const replica& each) { return each.instance != nullptr; });
}

std::unique_ptr<actor> replicas::make_instance(int number) const {
  const worker_parts& parts = group_.parts();
  return group_.type().make(context{
      group_.name(),
      number,
      parts.node,
      parts.folder,
      group_.options().config,
      parts.time,
      parts.log,
      false,
      ask_for_effects()});
}

/// The function to call other capabilities, which refuses calls that would make the runner wait: it
/// may hold the capability's lock, for which the other side may wait.
ask_capability replicas::ask_for_effects() const {
  const ask_capability& ask = group_.parts().ask;
  if (!ask) {
    return {};
  }
  return [&busy = busy_, &name = group_.name(), ask](
             const capability_call& call) -> outcome<std::string> {
    if (!busy.is_busy_here()) {
      return ask(call);
    }
    return failure{internal_error(fmt::format(
        "`{}.{}` was asked for in {}, which would make everybody wait for the answer: ask only in "
        "the `run` of an effect, or publish an event, or make it a step of a saga",
        call.capability,
        call.operation,
        busy.at_hand().look().value_or(work_at_hand::note{}).in(name)))};
  };
}

/// A constructor that hangs would leave the group neither up nor down.
std::unique_ptr<actor> replicas::make_watched(int number) {
  busy_.begin(group_.parts().time.now());
  busy_.note(work_at_hand::kind::constructor);
  try {
    auto made = make_instance(number);
    busy_.rest();
    return made;
  } catch (...) {
    busy_.rest();
    throw;
  }
}

void replicas::rebuild_spoilt(std::span<const write> all) {
  for (replica& by : all_) {
    const bool spoilt = std::ranges::any_of(
        all, [&](const write& each) { return each.spoilt && each.by == by.instance.get(); });
    if (spoilt) {
      rebuild(by);
    }
  }
}

bool replicas::renew(std::span<write> all) {
  for (replica& by : all_) {
    const actor* const before = by.instance.get();
    const auto is_its = [before](const write& each) { return each.by == before; };
    // The instance of a handler that threw is dropped when the turn has ended.
    const bool spoilt = std::ranges::any_of(
        all, [&](const write& each) { return each.ran && !each.threw && is_its(each); });
    if (!spoilt) {
      continue;
    }
    rebuild(by);
    for (write& each : all) {
      if (is_its(each)) {
        each.by = by.instance.get();
        each.spoilt = false;
      }
    }
  }
  if (!any()) {
    return false;
  }
  for (write& each : all) {
    if (each.by == nullptr) {
      const replica& other = *choose(each.what->key);
      each.by = other.instance.get();
      each.replica = other.number;
    }
  }
  return true;
}

/// Makes the instance of a replica again, where it has one. Coordinators know themselves what a
/// rollback took from them.
void replicas::rebuild(replica& by) {
  if (!by.instance || by.instance->sagas() != nullptr) {
    return;
  }
  try {
    by.instance = make_watched(by.number);
    metrics_.count_restart(restart_cause::turn_undone);
  } catch (...) {
    discard(
        by.instance.get(),
        what_was_thrown(),
        std::nullopt,
        std::nullopt,
        restart_cause::constructor_threw);
  }
}

bool replicas::discard(
    const actor* broken, std::string reason, const uuid& message, const uuid& trace) {
  return discard(broken, std::move(reason), message, trace, restart_cause::handler_threw);
}

bool replicas::discard(
    const actor* broken,
    std::string reason,
    const std::optional<uuid>& message,
    const std::optional<uuid>& trace,
    restart_cause cause) {
  const bool is_repeat = message && failed_of_.blame(*message, group_.parts().time.now());
  const auto found = std::ranges::find_if(
      all_, [&](const replica& each) { return each.instance && each.instance.get() == broken; });
  if (found == all_.end()) {
    return is_repeat; // An earlier message of the turn has discarded it.
  }
  found->instance.reset();
  metrics_.count_restart(cause);
  tell_(supervision::child_exited{
      static_cast<supervision::child_id>(found->number),
      found->generation,
      std::move(reason),
      message,
      trace});
  return is_repeat;
}

void replicas::start(supervision::child_id child, std::uint64_t generation) {
  for (replica& each : all_) {
    if (static_cast<supervision::child_id>(each.number) != child) {
      continue;
    }
    try {
      each.instance = make_watched(each.number);
      each.generation = generation;
      tell_(supervision::child_started{child, generation});
    } catch (...) {
      each.instance.reset();
      metrics_.count_restart(restart_cause::constructor_threw);
      tell_(supervision::child_start_failed{child, generation, what_was_thrown()});
    }
  }
}

void replicas::stop(supervision::child_id child, std::uint64_t generation) {
  for (replica& each : all_) {
    if (static_cast<supervision::child_id>(each.number) == child && each.instance) {
      each.instance.reset();
      metrics_.count_restart(restart_cause::stopped);
    }
  }
  tell_(supervision::child_stopped{child, generation});
}

} // namespace troupe
