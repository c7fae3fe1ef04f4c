// A group of a real worker whose handlers race on purpose: proves that ThreadSanitizer, with our
// suppressions on, reports a race in a handler that a CAF actor runs. With the argument `guarded`
// the same handlers take a lock, and ThreadSanitizer must report nothing.

#include "runtime/worker/group_runtime.hpp"
#include "tests/worker/things_actor.hpp"

#include <caf/all.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <poll.h>
#include <string_view>
#include <thread>
#include <utility>

namespace {

using namespace troupe;

constexpr int replicas = 2;
constexpr int calls = 200;

/// The counter that every replica raises.
struct tally {
  std::int64_t value = 0;
  std::mutex mutex;
  bool is_guarded = false;
  /// How many replicas are in their first call. Relaxed, so that it orders nothing.
  std::atomic<int> arrived{0};
};

// Not inlined, since its name must show in the report.
[[gnu::noinline]] std::int64_t raise_without_lock(tally& shared) {
  return ++shared.value;
}

/// Waits until each replica is in a handler: handlers that run one after the other do not race.
void await_the_other(tally& shared) {
  shared.arrived.fetch_add(1, std::memory_order_relaxed);
  while (shared.arrived.load(std::memory_order_relaxed) < replicas) {
    std::this_thread::yield();
  }
}

class racing_actor final : public actor {
public:
  explicit racing_actor(tally& shared) {
    query("raise", [&shared, is_first = true](const test::thing&) mutable {
      if (std::exchange(is_first, false)) {
        await_the_other(shared);
      }
      if (!shared.is_guarded) {
        return test::count{raise_without_lock(shared)};
      }
      const std::lock_guard lock{shared.mutex};
      return test::count{++shared.value};
    });
  }
};

capability_options options_of_group() {
  capability_options options;
  options.name = "racing";
  options.actor = "racing";
  options.replicas = {0, 1};
  return options;
}

item make_call(uuid_source& ids, const troupe::clock& time) {
  item call;
  call.id = ids.next(time.wall());
  call.deadline = time.now() + std::chrono::minutes{1};
  call.own_body(wire::encoded(test::thing{"x"}));
  call.operation = "raise";
  return call;
}

/// Plays the socket loop until every call is answered.
bool await_answers(transport::loop_inlet<outbound>& inlet) {
  constexpr milliseconds patience{10'000};
  std::size_t answered = 0;
  while (answered < calls) {
    pollfd waiting{inlet.waker().fd(), POLLIN, 0};
    if (::poll(&waiting, 1, static_cast<int>(patience.count())) <= 0) {
      return false;
    }
    std::vector<outbound> taken;
    inlet.take_all(taken);
    for (const outbound& each : taken) {
      answered += each.slots.size();
    }
  }
  return true;
}

int run(tally& shared) {
  const system_clock time;
  observe::event_log log{time, "n1", observe::log_format::text};
  transport::loop_inlet<outbound> inlet{64};
  worker_parts parts{time, log, inlet, "n1", uuid{}, ".", 1};
  const actor_type type{.name = "racing", .make = [&shared](const context&) {
                          return std::make_unique<racing_actor>(shared);
                        }};
  caf::actor_system_config config;
  config.set("scheduler.policy", caf::atom("sharing"));
  config.set("scheduler.max-threads", 2);
  config.set("logger.verbosity", caf::atom("quiet"));
  caf::actor_system system{config};
  auto group = group_runtime::start(system, options_of_group(), type, parts);
  if (!group) {
    std::fputs(group.error().message.c_str(), stderr);
    return 1;
  }
  uuid_source ids;
  for (int i = 0; i < calls; ++i) {
    (*group)->front().queues().add_call({}) = make_call(ids, time);
    (*group)->front().queues().push_added();
  }
  return await_answers(inlet) ? 0 : 1;
}

} // namespace

int main(int count, char** words) {
  tally shared;
  shared.is_guarded = count > 1 && std::string_view{words[1]} == "guarded";
  return run(shared);
}
