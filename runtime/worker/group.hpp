#pragma once

#include "runtime/actor/registry.hpp"
#include "runtime/observe/event_log.hpp"
#include "runtime/store/turn/forced_breakers.hpp"
#include "runtime/supervision/breaker.hpp"
#include "runtime/transport/loop_inlet.hpp"
#include "runtime/wire/limits.hpp"
#include "runtime/wire/login.hpp"
#include "runtime/wire/node_calls.hpp"
#include "runtime/worker/capability_options.hpp"
#include "runtime/worker/outbound.hpp"
#include "runtime/worker/work_queue.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace troupe {

/// What all groups of a worker share. Made in main(), outlives them.
struct worker_parts {
  const clock& time;
  observe::event_log& log;
  transport::loop_inlet<outbound>& inlet;
  std::string node;
  uuid incarnation;
  /// The folder the topology is in.
  std::string folder;
  int links = 1;
  /// Of an answer, and of an event.
  std::size_t body_bytes_max = wire::body_bytes_max;
};

/// Counters of one group, for status.
struct group_counters {
  std::atomic<std::uint64_t> answered{0};
  std::atomic<std::uint64_t> failed{0};
  std::atomic<std::uint64_t> repeats{0};
  std::atomic<std::uint64_t> turns{0};
  std::atomic<std::uint64_t> effects{0};
  std::atomic<std::uint64_t> restarts{0};
  std::atomic<std::uint64_t> takeovers{0};
  std::atomic<std::uint64_t> events{0};
  /// Without a handler for their topic.
  std::atomic<std::uint64_t> events_ignored{0};
  std::atomic<std::uint64_t> events_postponed{0};
  std::atomic<std::uint64_t> event_repeats{0};
  /// Of partitions that others have by now, or of a login that is over.
  std::atomic<std::uint64_t> events_of_others{0};
  std::atomic<std::uint64_t> relayed{0};
  /// The newest number in the outbox, and the last one in the journal, as this process knows them.
  std::atomic<std::uint64_t> outbox_newest{0};
  std::atomic<std::uint64_t> outbox_confirmed{0};
};

/// The front of one capability's part of this worker: its queues, its bulkhead and its breaker.
///
/// Shared by the socket loop, which pushes, and the runners, which take. Everything here is safe
/// from any thread; the breaker has one owner, this object, under one mutex (BEHAVIOURS B11).
class group {
public:
  group(const capability_options& options, const actor_type& type, worker_parts& parts);

  const std::string& name() const { return options_.name; }

  const capability_options& options() const { return options_; }

  const actor_type& type() const { return type_; }

  worker_parts& parts() { return parts_; }

  bool has_store() const { return options_.database.has_value(); }

  /// Its store was refused for good: no runner runs, it takes nothing, and brokers route elsewhere
  /// until the process ends. Called before anybody else knows the group, if at all.
  void shut(error why);

  /// Why it is shut, for callers and people; null if it is not.
  const error* why_shut() const { return why_shut_ ? &*why_shut_ : nullptr; }

  /// Whether there is a writer that housekeeping and the journal's news are for.
  bool has_open_store() const { return has_store() && !why_shut_; }

  /// One work_queue where there is a store (its writer runs all replicas), else one per replica.
  std::span<work_queue> queues() { return {queues_.get(), queue_count_}; }

  /// Calls from a broker: to the work_queue of their key, else to each work_queue in turn. Empties
  /// `batch`.
  void push(std::vector<item>& batch);

  /// Events and what belongs to them, from the journal's broker: to the work_queue of their
  /// partition. Empties `batch`.
  void push_events(std::vector<item>& batch);

  /// Something the group tells itself. Never refused: what it answers was taken in before.
  void push_internal(item&& one) { queues_[one.partition % queue_count_].push(std::move(one)); }

  /// Whether an answer of so many bytes can leave; else what its caller gets instead.
  outcome<void> check_answer(std::size_t bytes, effect possible) const;

  bool subscribes() const { return !options_.subscribes.empty(); }

  /// Whether each of `wanted` calls may be made; `admissions` gets an entry for each.
  void admit(std::size_t wanted, instant now, std::vector<supervision::admission>& admissions);

  struct result {
    supervision::admitted call;
    /// Nothing: says nothing of the group's health.
    std::optional<supervision::call_result> how;
    std::chrono::nanoseconds took{};
  };

  void record(std::span<const result> results, instant now);
  void tick(instant now);

  /// Down: the supervisor gave up for a while. Calls are refused, brokers route elsewhere.
  void set_down(std::optional<instant> retry_at, std::string reason);
  std::optional<instant> down_until() const;
  /// Why it is down; empty if it is not.
  std::string down_reason() const;
  void set_draining();

  /// What the brokers are told. `take_changed` is true once after something in it changed.
  wire::served served(instant now) const;

  bool take_changed() { return changed_.exchange(false); }

  /// Does to the breaker what a person said; nothing if that has been done. What is to outlive the
  /// process must be on disk.
  /// @param said its `mode` is one of supervision::mode_named.
  void force(const store::forced_breaker& said, instant now);

  /// Begins with a breaker as a person left it, before any call.
  void restore(const store::forced_breaker& said, instant now);

  wire::breaker_report breaker_report() const;

  /// Why a call is refused: "open", or "forced open by ann: moving disks".
  std::string breaker_words() const;

  group_counters& counters() { return counters_; }

  // What is under way, for the drain: calls taken in and not answered.
  std::atomic<std::int64_t> in_hand{0};
  /// Events likewise.
  std::atomic<std::int64_t> events_in_hand{0};

  /// Why the journal's broker takes no more events of this outbox; empty if it does.
  void set_outbox_trouble(std::string why);
  std::string outbox_trouble() const;

  /// The process is about to end: nobody waits for locks any more. From any thread.
  void set_ending() { ending_ = true; }

  bool is_ending() const { return ending_; }

private:
  void push_sorted();
  void log_transitions();
  std::optional<std::string> forced_words() const;

  const capability_options options_;
  const actor_type& type_;
  worker_parts& parts_;
  std::size_t queue_count_;
  std::unique_ptr<work_queue[]> queues_;
  std::size_t next_lane_ = 0;
  std::vector<std::vector<item>> sorted_;
  std::optional<error> why_shut_;

  mutable std::mutex mutex_;
  supervision::breaker breaker_;
  std::vector<supervision::breaker_transition> transitions_;
  /// What a person last said of it.
  std::optional<store::forced_breaker> said_;
  std::optional<instant> down_until_;
  std::string down_reason_;
  bool down_ = false;
  bool draining_ = false;
  std::string outbox_trouble_;
  std::atomic<bool> changed_{false};
  std::atomic<bool> ending_{false};
  group_counters counters_;
};

} // namespace troupe
