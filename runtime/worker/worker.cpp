#include "runtime/worker/worker.hpp"

#include "runtime/worker/watched_work.hpp"
#include "runtime/worker/worker_loop.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <fmt/format.h>
#include <mutex>
#include <optional>
#include <thread>

namespace troupe {

namespace {

// The capacity of the inlet: far more than there are runners, each of which adds one command at a
// time, the result of a turn.
constexpr std::size_t inlet_commands = 4'096;
// Brokers ping their workers every 20 ms.
constexpr milliseconds broker_silence{100};

caf::actor_system_config& configure(caf::actor_system_config& config) {
  // The default work-stealing scheduler sleeps when idle: 0.4 ms per wake-up were measured.
  config.set("scheduler.policy", caf::atom("sharing"));
  config.set("scheduler.max-threads", std::max(2U, std::thread::hardware_concurrency()));
  config.set("logger.verbosity", caf::atom("quiet"));
  return config;
}

error of_capability(const std::string& name, error why) {
  why.message = fmt::format("capability `{}`: {}", name, why.message);
  return why;
}

/// A worker whose groups are all shut would only look alive: it ends, with the first one's reason.
outcome<void> check_that_some_run(const std::vector<std::unique_ptr<group_runtime>>& groups) {
  const auto is_shut = [](const auto& each) {
    return each->front().condition().why_shut() != nullptr;
  };
  if (groups.empty() || !std::ranges::all_of(groups, is_shut)) {
    return {};
  }
  group& first = groups.front()->front();
  return failure{of_capability(first.name(), *first.condition().why_shut())};
}

} // namespace

struct worker::state {
  state(const clock& clock, observe::event_log& log, worker_options given)
      : options{std::move(given)}, inlet{inlet_commands},
        parts{
            clock,
            log,
            inlet,
            options.node,
            ids.next(clock.wall()),
            options.folder,
            static_cast<int>(options.brokers.size()),
            options.body_bytes_max,
            {},
            options.system,
            options.ask},
        system{configure(config)} {}

  state(const state&) = delete;
  state& operator=(const state&) = delete;
  ~state();

  void watch(const std::stop_token& stop);
  void tell_overdue(group_runtime& of, milliseconds limit);
  void end_if_overdue(instant::duration ending);

  worker_options options;
  uuid_source ids;
  transport::loop_inlet<outbound> inlet;
  worker_parts parts;
  caf::actor_system_config config;
  caf::actor_system system;
  std::vector<std::unique_ptr<group_runtime>> groups;
  std::unique_ptr<transport::peer_loop> sockets;
  std::unique_ptr<worker_loop> loop;
  // Guards `groups` and the state of the end against the watchdog.
  std::mutex watch_mutex;
  std::optional<instant> ending_since;
  milliseconds ending_limit = options.drain_limit;
  std::string waited_for;
  std::jthread watchdog;
};

/// Runs also when `make` fails half-way. The watchdog works to the end: a handler may never return.
worker::state::~state() {
  for (const auto& each : groups) {
    each->end();
  }
  std::vector<std::unique_ptr<group_runtime>> leaving;
  {
    const std::lock_guard lock{watch_mutex};
    ending_since = parts.time.now();
    ending_limit = loop ? loop->time_to_end(*ending_since) : options.drain_limit;
    leaving.swap(groups);
  }
  for (std::unique_ptr<group_runtime>& each : leaving) {
    {
      const std::lock_guard lock{watch_mutex};
      waited_for = each->under_way();
    }
    each.reset();
  }
}

/// Ends the process when the groups do not end: an effect may wait for somebody who never answers.
void worker::state::end_if_overdue(instant::duration ending) {
  if (ending > ending_limit) {
    parts.log.write(
        "worker.end_overdue",
        {{"limit_ms", fmt::to_string(ending_limit.count())},
         {"at", waited_for.empty() ? "nothing that is known" : waited_for},
         {"what", "the work named in `at` did not return; another process does it again"}});
    std::_Exit(75);
  }
}

void worker::state::tell_overdue(group_runtime& of, milliseconds limit) {
  const std::string& name = of.front().name();
  const work_at_hand::note at_hand = of.at_hand();
  observe::log_fields fields{
      {"capability", name},
      {"at", at_hand.in(name)},
      {"limit_ms", fmt::to_string(limit.count())},
      {"what",
       "the work named in `at` did not end in time; this process ends, and others continue"}};
  if (at_hand.message != uuid{}) {
    fields.emplace_back("message", to_string(at_hand.message));
  }
  parts.log.write("worker.watchdog", fields);
}

/// Ends the process when a handler or commit runs longer than its limit: a thread cannot be ended
/// from outside, but a process can, and its work is passed on.
void worker::state::watch(const std::stop_token& stop) {
  std::condition_variable_any never;
  std::unique_lock lock{watch_mutex};
  watched_work end;
  std::vector<watched_work> turns{groups.size()};
  instant last = parts.time.now();
  while (!stop.stop_requested()) {
    never.wait_for(lock, stop, watched_work::interval, [] { return false; });
    const instant now = parts.time.now();
    end_if_overdue(end.look(ending_since, last, now));
    for (std::size_t at = 0; at < groups.size(); ++at) {
      const auto& each = groups[at];
      const auto limit = each->front().options().turn_limit;
      if (turns[at].look(each->busy_since(), last, now) > limit) {
        tell_overdue(*each, limit);
        std::_Exit(75);
      }
    }
    last = now;
  }
}

worker::worker(std::unique_ptr<state> made) : state_{std::move(made)} {
}

worker::~worker() = default;

outcome<std::unique_ptr<worker>> worker::make(
    transport::context& zmq,
    const clock& time,
    observe::event_log& log,
    const registry& types,
    worker_options options) {
  auto made = std::make_unique<state>(time, log, std::move(options));
  for (capability_options& each : made->options.capabilities) {
    // The actor type's name was checked with the topology.
    const actor_type* type = types.find(each.actor);
    if (type == nullptr) {
      return failure{
          invalid(fmt::format("capability `{}`: no actor type `{}`", each.name, each.actor))};
    }
    if (!type->sagas.empty()) {
      each.replicas.resize(1); // One coordinator runs all sagas of a process; more add nothing.
    }
    auto group = group_runtime::start(made->system, each, *type, made->parts);
    if (!group) {
      return failure{of_capability(each.name, std::move(group).error())};
    }
    made->groups.push_back(std::move(*group));
  }
  TROUPE_CHECK(check_that_some_run(made->groups));
  made->sockets = std::make_unique<transport::peer_loop>(
      zmq,
      time,
      transport::peer_options{
          made->options.brokers,
          made->options.heartbeat,
          made->options.body_bytes_max,
          broker_silence,
          made->options.keys},
      made->inlet.waker());
  made->loop =
      std::make_unique<worker_loop>(*made->sockets, made->options, made->parts, made->groups);
  return std::unique_ptr<worker>{new worker{std::move(made)}};
}

worker_end worker::run() {
  state_->watchdog = std::jthread{[this](const std::stop_token& stop) { state_->watch(stop); }};
  state_->sockets->run(*state_->loop);
  return state_->loop->end();
}

void worker::drain() {
  state_->loop->request_drain();
}

const observe::span_rings& worker::spans() const {
  return state_->parts.spans;
}

void worker::ask_snapshot(observe::loop_question<worker_snapshot>::receiver answered) {
  state_->loop->ask_snapshot(std::move(answered));
}

} // namespace troupe
