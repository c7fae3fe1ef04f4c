#pragma once

#include "runtime/worker/admissions.hpp"
#include "runtime/worker/after_commit.hpp"
#include "runtime/worker/busy_clock.hpp"
#include "runtime/worker/direct_handlers.hpp"
#include "runtime/worker/event_backlog.hpp"
#include "runtime/worker/event_turn.hpp"
#include "runtime/worker/hand.hpp"
#include "runtime/worker/message_span.hpp"
#include "runtime/worker/outbound_builder.hpp"
#include "runtime/worker/relay_desk.hpp"
#include "runtime/worker/replicas.hpp"
#include "runtime/worker/runner_effects.hpp"
#include "runtime/worker/settler.hpp"
#include "runtime/worker/store_absence.hpp"
#include "runtime/worker/store_turn.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace troupe {

/// Runs the replicas of a group on one thread: all of them if there is a store, whose writer the
/// runner is; else one. It takes items from its work queue and handles them in turns.
///
/// Does not use CAF: a shell calls `run` on the thread that owns the runner. Everything except
/// `busy` belongs to that thread.
class runner {
public:
  runner(
      group& of,
      work_queue& from,
      const std::vector<int>& replicas,
      std::unique_ptr<runner_store> store);

  void on_event(std::function<void(supervision::group_event)> tell) {
    replicas_.on_event(std::move(tell));
  }

  /// Runs one turn. True if there may be more to do; else the next push into the work queue wakes
  /// the runner.
  bool run();

  /// Makes a replica's instance, or ends it, and reports the result to the supervisor.
  void start(supervision::child_id child, std::uint64_t generation) {
    replicas_.start(child, generation);
  }

  void stop(supervision::child_id child, std::uint64_t generation) {
    replicas_.stop(child, generation);
  }

  /// Sets whether the group is down. While it is, waiting calls are refused, so that brokers try
  /// other nodes, and other nodes continue its effects and sagas.
  void set_down(bool down) { down_ = down; }

  /// The time since when a handler or commit has been running; nothing if none is. For the
  /// watchdog, from any thread.
  const busy_clock& busy() const { return busy_; }

private:
  void work();
  void refuse_all(const error& why);
  void take_call(item& each, const supervision::admission& admission);
  void take_own(item& each);
  void take_while_down(item& each);
  void take_relay_order(const item& each);
  void answer_probe();
  void take_event(item& each);
  void run_writes();
  void take_back(std::size_t from);
  void report_events();

  group& group_;
  work_queue& queue_;
  runner_metrics& metrics_;
  held_store store_;
  busy_clock busy_;
  message_spans spans_;
  outbound_builder out_;
  admissions admissions_;
  replicas replicas_;
  event_turn events_;
  std::optional<store_turn> turn_;  // Present where there is a store.
  std::optional<relay_desk> relay_; // Present where there is a store.
  runner_effects effects_;          // Submits to the effect pool.
  after_commit after_commit_;
  turn_output output_;
  direct_handlers direct_;
  hand hand_;
  event_backlog backlog_;
  store_absence absence_;
  settler settler_;
  std::vector<write> writes_;
  bool down_ = false;
};

} // namespace troupe
