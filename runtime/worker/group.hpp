#pragma once

#include "runtime/actor/registry.hpp"
#include "runtime/worker/capability_options.hpp"
#include "runtime/worker/group_breaker.hpp"
#include "runtime/worker/group_condition.hpp"
#include "runtime/worker/group_counters.hpp"
#include "runtime/worker/group_queues.hpp"
#include "runtime/worker/runner_metrics.hpp"
#include "runtime/worker/worker_parts.hpp"

#include <atomic>
#include <span>
#include <string>
#include <vector>

namespace troupe {

class effect_pool;

/// The front of one capability's part of this worker: the queues, the breaker, the condition and
/// the counters that the socket loop shares with the group's runners and effects.
///
/// Owned by its group_runtime, which outlives all who use it. Any thread.
class group {
public:
  group(const capability_options& options, const actor_type& type, worker_parts& parts);

  const std::string& name() const { return options_.name; }

  const capability_options& options() const { return options_; }

  const actor_type& type() const { return type_; }

  worker_parts& parts() { return parts_; }

  const observe::sampling& sampling() const { return options_.sampling; }

  bool has_store() const { return options_.database.has_value(); }

  /// Whether there is a writer, which needs housekeeping and messages about the journal.
  bool has_open_store() const { return has_store() && condition_.why_shut() == nullptr; }

  bool subscribes() const { return !options_.subscribes.empty(); }

  group_queues& queues() { return queues_; }

  group_breaker& breaker() { return breaker_; }

  group_condition& condition() { return condition_; }

  group_counters& counters() { return counters_; }

  /// The measurements of each queue's runner, in the order of the queues.
  std::span<runner_metrics> metrics() { return metrics_; }

  /// The group's effects, whose attempts may become overdue; null before there are any. They live
  /// as long as the runners.
  effect_pool* effects() { return effects_.load(std::memory_order_acquire); }

  void use(effect_pool* effects) { effects_.store(effects, std::memory_order_release); }

  /// Whether an answer of this size can be sent; if not, the error that its caller gets instead.
  outcome<void> check_answer(std::size_t bytes, effect possible) const {
    return bytes <= parts_.body_bytes_max ? outcome<void>{} : refuse_answer(bytes, possible);
  }

  /// The group's entry in HELLO and STATE.
  wire::served served(instant now) const;

  /// True once after `served` has changed.
  bool take_changed() { return changed_.exchange(false); }

  /// The breaker's report, in which a group that is down or shut is "down".
  wire::breaker_report breaker_report() const;

  /// The answer to every call while the supervisor has given up for a while; `shut_error` if the
  /// group is shut.
  error down_error() const;

  /// Shuts the group, as its database was refused for good: tells callers and people why, and what
  /// to do. Any thread.
  void shut(error refusal);

  /// The answer to every call while the group is shut.
  error shut_error() const;

private:
  outcome<void> refuse_answer(std::size_t bytes, effect possible) const;

  const capability_options options_;
  const actor_type& type_;
  worker_parts& parts_;
  std::atomic<bool> changed_{false};
  group_queues queues_;
  group_breaker breaker_;
  group_condition condition_;
  group_counters counters_;
  std::vector<runner_metrics> metrics_;
  std::atomic<effect_pool*> effects_{nullptr};
};

} // namespace troupe
