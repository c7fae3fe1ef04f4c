#include "runtime/actor/group_runtime.hpp"

#include "runtime/actor/host.hpp"
#include "runtime/supervision/handover.hpp"

#include <caf/all.hpp>

#include <cstdlib>
#include <fmt/format.h>

namespace {

using wake_atom = caf::atom_constant<caf::atom("wake")>;
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

/// A host and the actor it lives in.
struct hosted {
  std::unique_ptr<class host> host;
  caf::actor actor;

  template <class... Parts>
  void tell(const Parts&... parts) const {
    hand_over(host.get());
    caf::anon_send(actor, parts...);
  }
};

/// The behavior around a host: every message makes it do a turn's worth, and it keeps itself awake
/// while there is more.
caf::behavior host_behavior(caf::event_based_actor* self, class host* inner) {
  self->set_default_handler(caf::drop); // CAF's own prints whole messages to stdout.
  const auto go_on = [self, inner] {
    if (inner->run()) {
      self->send(self, wake_atom::value);
    }
  };
  return {
      [inner, go_on](wake_atom) {
        const handling now{inner};
        go_on();
      },
      [inner, go_on](start_atom, std::uint32_t child, std::uint64_t generation) {
        const handling now{inner};
        inner->start(static_cast<child_id>(child), generation);
        go_on();
      },
      [inner](stop_atom, std::uint32_t child, std::uint64_t generation) {
        const handling now{inner};
        inner->stop(static_cast<child_id>(child), generation);
      },
      [inner, go_on](down_atom, bool down) {
        const handling now{inner};
        inner->set_down(down);
        go_on();
      },
  };
}

caf::actor
spawn_host(caf::actor_system& system, class host* inner, observe::event_log& log, bool detached) {
  // `host` is an argument because without any CAF 0.17 follows a null pointer to an empty tuple.
  const auto body = [&log](caf::event_based_actor* self, class host* host) {
    // Handlers' exceptions end in the host. One that comes this far is a fault of the runtime,
    // whose state nobody can vouch for: the process goes, and `troupe up` starts another.
    self->set_exception_handler([&log](std::exception_ptr& thrown) -> caf::error {
      try {
        std::rethrow_exception(thrown);
      } catch (const std::exception& fault) {
        log.write("worker.broken", {{"reason", fault.what()}});
      } catch (...) {
        log.write("worker.broken", {{"reason", "something thrown that is no exception"}});
      }
      std::_Exit(70);
    });
    return host_behavior(self, host);
  };
  return detached ? system.spawn<caf::detached>(body, inner) : system.spawn(body, inner);
}

} // namespace

struct group_runtime::hosts {
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
    : front_{std::make_unique<group>(options, type, parts)}, hosts_{std::make_unique<hosts>()} {
}

group_runtime::~group_runtime() {
  end();
  if (!hosts_->all.empty()) {
    // Hosts tell the supervisor and look into the group: both outlive them.
    caf::scoped_actor self{hosts_->all.front().actor.home_system()};
    for (hosted& each : hosts_->all) {
      self->wait_for(each.actor);
      take_over(each.host.get());
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
  if (auto launched = made->launch(system); !launched) {
    return failure{std::move(launched).error()};
  }
  return made;
}

outcome<void> group_runtime::launch(caf::actor_system& system) {
  group& front = *front_;
  supervision::group_spec spec{.policy = front.options().supervision, .children = {}};
  for (const int number : front.options().replicas) {
    spec.children.push_back(
        {.id = static_cast<child_id>(number), .name = fmt::format("replica {}", number)});
  }
  auto policy = supervision::group_policy::make(
      std::move(spec), std::hash<std::string>{}(front.name() + front.parts().node));
  if (!policy) {
    return failure{std::move(policy).error()};
  }
  std::unique_ptr<host_store> store;
  if (front.has_store()) {
    auto opened = host_store::open(front);
    if (!opened) {
      return failure{std::move(opened).error()};
    }
    store = std::move(*opened);
  }
  const auto lanes = front.lanes();
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    const auto numbers = front.has_store() ? front.options().replicas
                                           : std::vector<int>{front.options().replicas[i]};
    hosts_->all.push_back(
        {std::make_unique<host>(front, lanes[i], numbers, std::move(store)), nullptr});
    hosted& each = hosts_->all.back();
    each.host->on_event(
        [this](supervision::group_event event) { supervisor_->tell(std::move(event)); });
    each.actor = spawn_host(system, each.host.get(), front.parts().log, front.has_store());
    lanes[i].on_wake([actor = each.actor, inside = each.host.get()] {
      hand_over(inside);
      caf::anon_send(actor, wake_atom::value);
    });
  }
  supervisor_ = std::make_unique<supervision::supervisor>(
      system,
      front.parts().time,
      std::move(*policy),
      [this](const supervision::group_action& action) { carry_out(action); });
  supervisor_->tell(supervision::start_requested{});
  return {};
}

void group_runtime::carry_out(const supervision::group_action& action) {
  const std::string& name = front_->name();
  observe::event_log& log = front_->parts().log;
  if (const auto* start = std::get_if<supervision::start_child>(&action)) {
    hosts_->of(*front_, start->child)
        .tell(start_atom::value, static_cast<std::uint32_t>(start->child), start->generation);
  } else if (const auto* stop = std::get_if<supervision::stop_child>(&action)) {
    hosts_->of(*front_, stop->child)
        .tell(stop_atom::value, static_cast<std::uint32_t>(stop->child), stop->generation);
  } else if (const auto* failed = std::get_if<supervision::record_failure>(&action)) {
    observe::log_fields fields{
        {"capability", name},
        {"replica", fmt::to_string(static_cast<std::uint32_t>(failed->child))},
        {"reason", failed->failed.reason}};
    if (failed->failed.message) {
      fields.emplace_back("message", to_string(*failed->failed.message));
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
    front_->set_down(down->retry_at, down->reason);
    tell_down(true);
  } else if (std::holds_alternative<supervision::group_up>(action)) {
    front_->set_down(std::nullopt, "all replicas are up");
    tell_down(false);
  }
}

void group_runtime::tell_down(bool down) {
  for (const hosted& each : hosts_->all) {
    each.tell(down_atom::value, down);
  }
}

void group_runtime::tick(instant now) {
  front_->tick(now);
  supervisor_->tick(now);
}

std::int64_t group_runtime::busy_since() const {
  std::int64_t longest = 0;
  for (const hosted& each : hosts_->all) {
    const std::int64_t since = each.host->busy_since();
    if (since != 0 && (longest == 0 || since < longest)) {
      longest = since;
    }
  }
  return longest;
}

std::vector<supervision::child_status> group_runtime::replicas() const {
  return supervisor_->children();
}

void group_runtime::end() {
  front_->set_ending();
  if (supervisor_) {
    supervisor_->end();
  }
  for (hosted& each : hosts_->all) {
    caf::anon_send_exit(each.actor, caf::exit_reason::user_shutdown);
  }
}

} // namespace troupe
