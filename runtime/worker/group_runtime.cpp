#include "runtime/worker/group_runtime.hpp"

#include "runtime/bell.hpp"
#include "runtime/observe/trace_context.hpp"
#include "runtime/supervision/handover.hpp"
#include "runtime/thrown.hpp"
#include "runtime/worker/effect_pool.hpp"
#include "runtime/worker/runner.hpp"

#include <caf/all.hpp>

#include <cstdlib>
#include <fmt/format.h>
#include <functional>

namespace {

using start_atom = caf::atom_constant<caf::atom("start")>;
using stop_atom = caf::atom_constant<caf::atom("stop")>;
using down_atom = caf::atom_constant<caf::atom("down")>;

} // namespace

namespace troupe {

namespace {

using supervision::child_id;
using supervision::hand_over;
using supervision::handling;
using supervision::take_over;

std::string replica_name(int number) {
  return fmt::format("replica {}", number);
}

/// Whether every later attempt would be refused, too: the database is damaged, another
/// capability's, or not for this program. A full or absent disk, or a lack of descriptors, may be
/// resolved: the worker ends, and its restart tries again.
bool is_final(const error& refusal) {
  const std::string_view fault = refusal.detail("fault");
  return refusal.code == errc::invalid || refusal.code == errc::conflict || fault == "corrupt"
         || fault == "schema";
}

/// Hands one message of the supervisor to the runner.
void hear(caf::blocking_actor* self, class runner* inner, bool& is_over) {
  const handling now{inner};
  self->receive(
      [&](start_atom, std::uint32_t child, std::uint64_t generation) {
        inner->start(static_cast<child_id>(child), generation);
      },
      [&](stop_atom, std::uint32_t child, std::uint64_t generation) {
        inner->stop(static_cast<child_id>(child), generation);
      },
      [&](down_atom, bool down) { inner->set_down(down); },
      [&](const caf::exit_msg&) { is_over = true; },
      caf::others >> [](caf::message_view&) -> caf::result<caf::message> {
        return caf::sec::unexpected_message;
      });
}

/// Runs a runner turn after turn while there is something to do; hears the supervisor in between.
void run_runner(caf::blocking_actor* self, class runner* inner, bell* rung) {
  for (bool is_over = false; !is_over;) {
    rung->wait();
    bool has_more = true;
    while (has_more && !is_over) {
      while (!is_over && !self->mailbox().empty()) {
        hear(self, inner, is_over);
      }
      has_more = !is_over && inner->run();
    }
  }
}

caf::actor
spawn_runner(caf::actor_system& system, class runner* inner, bell* rung, observe::event_log& log) {
  const auto body = [&log](caf::blocking_actor* self, class runner* runner, bell* ring) {
    // Handlers' exceptions end in the runner. An exception that arrives here is a bug of the
    // runtime, whose state is unknown: the process ends, and `troupe up` starts another.
    try {
      return run_runner(self, runner, ring);
    } catch (...) {
      log.write("worker.broken", {{"reason", what_was_thrown()}});
    }
    std::_Exit(70);
  };
  return system.spawn(body, inner, rung);
}

} // namespace

struct group_runtime::runners {
  /// A runner and the actor it lives in, which has a thread of its own.
  struct hosted {
    std::unique_ptr<bell> ring = std::make_unique<bell>(); // Effects ring it until they have ended.
    std::unique_ptr<class runner> runner;
    caf::actor actor;

    template <class... Parts>
    void tell(const Parts&... parts) const {
      hand_over(runner.get());
      caf::anon_send(actor, parts...);
      ring->ring();
    }

    void end() const {
      caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
      ring->ring();
    }
  };

  std::vector<hosted> all;

  hosted& of(const group& front, child_id child) {
    const auto& numbers = front.options().replicas;
    for (std::size_t i = 0; i < numbers.size() && all.size() > 1; ++i) {
      if (static_cast<child_id>(numbers[i]) == child) {
        return all[i];
      }
    }
    return all.front();
  }
};

group_runtime::group_runtime(
    const capability_options& options, const actor_type& type, worker_parts& parts)
    : front_{std::make_unique<group>(options, type, parts)}, runners_{std::make_unique<runners>()} {
}

group_runtime::~group_runtime() {
  end();
  if (!runners_->all.empty()) {
    // Runners tell the supervisor and use the group, so both outlive them.
    caf::scoped_actor self{runners_->all.front().actor.home_system()};
    for (auto& each : runners_->all) {
      self->wait_for(each.actor);
      take_over(each.runner.get());
    }
  }
  supervisor_.reset();
}

outcome<std::unique_ptr<group_runtime>> group_runtime::start(
    caf::actor_system& system,
    const capability_options& options,
    const actor_type& type,
    worker_parts& parts) {
  std::unique_ptr<group_runtime> made{new group_runtime{options, type, parts}};
  TROUPE_CHECK(made->launch(system));
  return made;
}

outcome<void> group_runtime::launch(caf::actor_system& system) {
  group& front = *front_;
  supervision::group_spec spec{.policy = front.options().supervision, .children = {}};
  for (const int number : front.options().replicas) {
    spec.children.push_back({.id = static_cast<child_id>(number), .name = replica_name(number)});
  }
  supervision::group_policy policy{
      std::move(spec), std::hash<std::string>{}(front.name() + front.parts().node)};
  std::unique_ptr<runner_store> store;
  if (front.has_store()) {
    auto opened = runner_store::open(front);
    if (!opened && is_final(opened.error())) {
      front.shut(std::move(opened).error());
      return {};
    }
    if (!opened) {
      return failure{std::move(opened).error()};
    }
    store = std::move(*opened);
  }
  const auto queues = front.queues().all();
  for (std::size_t i = 0; i < queues.size(); ++i) {
    const auto numbers = front.has_store() ? front.options().replicas
                                           : std::vector<int>{front.options().replicas[i]};
    auto& each = runners_->all.emplace_back();
    each.runner = std::make_unique<runner>(front, queues[i], numbers, std::move(store));
    each.runner->on_event(
        [this](supervision::group_event event) { supervisor_->tell(std::move(event)); });
    each.actor = spawn_runner(system, each.runner.get(), each.ring.get(), front.parts().log);
    queues[i].on_wake([ring = each.ring.get()] { ring->ring(); });
  }
  supervisor_ = std::make_unique<supervision::supervisor>(
      system,
      front.parts().time,
      std::move(policy),
      [this](const supervision::group_action& action) { carry_out(action); });
  supervisor_->tell(supervision::start_requested{});
  return {};
}

void group_runtime::carry_out(const supervision::group_action& action) {
  const std::string& name = front_->name();
  observe::event_log& log = front_->parts().log;
  if (const auto* start = std::get_if<supervision::start_child>(&action)) {
    runners_->of(*front_, start->child)
        .tell(start_atom::value, static_cast<std::uint32_t>(start->child), start->generation);
  } else if (const auto* stop = std::get_if<supervision::stop_child>(&action)) {
    runners_->of(*front_, stop->child)
        .tell(stop_atom::value, static_cast<std::uint32_t>(stop->child), stop->generation);
  } else if (const auto* failed = std::get_if<supervision::record_failure>(&action)) {
    observe::log_fields fields{
        {"capability", name},
        {"replica", fmt::to_string(static_cast<std::uint32_t>(failed->child))},
        {"reason", failed->failed.reason}};
    if (failed->failed.message) {
      fields.emplace_back("message", to_string(*failed->failed.message));
    }
    if (failed->failed.trace) {
      fields.emplace_back("trace", observe::hex_of(*failed->failed.trace));
    }
    log.write("replica.failed", fields);
  } else if (const auto* plan = std::get_if<supervision::plan_restart>(&action)) {
    const auto wait =
        std::chrono::duration_cast<milliseconds>(plan->due - front_->parts().time.now());
    log.write(
        "replica.restart_planned",
        {{"capability", name},
         {"replica", fmt::to_string(static_cast<std::uint32_t>(plan->child))},
         {"attempt", fmt::to_string(plan->attempt)},
         {"in_ms", fmt::to_string(std::max<std::int64_t>(0, wait.count()))}});
  } else if (const auto* down = std::get_if<supervision::group_down>(&action)) {
    front_->condition().set_down(down->retry_at, down->reason);
    tell_down(true);
  } else if (std::holds_alternative<supervision::group_up>(action)) {
    front_->condition().set_up("all replicas are up");
    tell_down(false);
  }
}

void group_runtime::tell_down(bool down) {
  for (const auto& each : runners_->all) {
    each.tell(down_atom::value, down);
  }
}

void group_runtime::tick(instant now) {
  trend_.look(*front_, now);
  front_->breaker().tick(now);
  if (supervisor_) {
    supervisor_->tick(now);
  }
  if (effect_pool* const effects = front_->effects()) {
    effects->tick(now);
  }
}

std::optional<instant> group_runtime::busy_since() const {
  std::optional<instant> longest;
  for (const auto& each : runners_->all) {
    const std::optional<instant> since = each.runner->busy().busy_since();
    if (since && (!longest || *since < *longest)) {
      longest = since;
    }
  }
  return longest;
}

work_at_hand::note group_runtime::at_hand() const {
  std::optional<instant> longest;
  work_at_hand::note found;
  for (const auto& each : runners_->all) {
    const std::optional<instant> since = each.runner->busy().busy_since();
    if (since && (!longest || *since < *longest)) {
      longest = since;
      found = each.runner->busy().at_hand().look().value_or(work_at_hand::note{});
    }
  }
  return found;
}

std::string group_runtime::under_way() const {
  std::vector<std::string> all;
  for (const auto& each : runners_->all) {
    const auto what = each.runner->busy().at_hand().look();
    if (each.runner->busy().busy_since() && what) {
      all.push_back(what->in(front_->name()));
      if (what->message != uuid{}) {
        all.back() += " (" + to_string(what->message) + ")";
      }
    }
  }
  if (const effect_pool* const effects = front_->effects()) {
    for (const std::string& each : effects->under_way()) {
      all.push_back(fmt::format("{} of `{}`", each, front_->name()));
    }
  }
  return fmt::format("{}", fmt::join(all, ", "));
}

std::vector<supervision::child_status> group_runtime::replicas() const {
  if (supervisor_) {
    return supervisor_->children();
  }
  std::vector<supervision::child_status> none_runs;
  for (const int number : front_->options().replicas) {
    none_runs.push_back(
        {.name = replica_name(number), .state = "down", .generation = 0, .failures = {}});
  }
  return none_runs;
}

void group_runtime::end() {
  front_->condition().set_ending();
  if (supervisor_) {
    supervisor_->end();
  }
  for (const auto& each : runners_->all) {
    each.end();
  }
}

} // namespace troupe
