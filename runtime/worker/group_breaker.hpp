#pragma once

#include "runtime/store/turn/forced_breakers.hpp"
#include "runtime/supervision/breaker.hpp"
#include "runtime/wire/login.hpp"
#include "runtime/wire/node_calls.hpp"
#include "runtime/worker/capability_options.hpp"
#include "runtime/worker/worker_parts.hpp"

#include <atomic>
#include <chrono>
#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace troupe {

/// The circuit breaker of a group, behind one mutex: runners and effects use it, the socket loop
/// ticks it, people force it. Logs each transition. Any thread.
class group_breaker {
public:
  /// @param changed set whenever the brokers must be told about a change; the group's.
  group_breaker(const capability_options& options, worker_parts& parts, std::atomic<bool>& changed);

  /// Asks for `wanted` calls; `admissions` gets an entry for each.
  void admit(std::size_t wanted, instant now, std::vector<supervision::admission>& admissions);

  struct result {
    supervision::admitted call;
    /// The result for the breaker; nothing if it says nothing about the group's health.
    std::optional<supervision::call_result> how;
    std::chrono::nanoseconds took{};
  };

  void record(std::span<const result> results, instant now);
  void tick(instant now);

  /// Carries out a person's order, unless it was the last one carried out. An order that must
  /// outlive the process must be on disk.
  /// @param order its `mode` is one of supervision::mode_named.
  void force(const store::forced_breaker& order, instant now);

  /// As `force`, for an order that is not on disk: ignored if its id is one of the last 64, as it
  /// may be older than the order in force.
  void force_once(const store::forced_breaker& order, instant now);

  /// Restores a person's order, before any call.
  void restore(const store::forced_breaker& order, instant now);

  /// Fills in `breaker` and `forced`, as reported to brokers.
  /// @return when another attempt may be useful; nothing if it is useful now.
  std::optional<instant> describe(wire::served& told, instant now) const;

  /// The state and the last order, for the answers of `force_breaker` and `breaker` of a node.
  wire::breaker_report report() const;

  /// The number of times that it has opened, by itself or forced, since the process began.
  std::uint64_t openings() const { return openings_.load(std::memory_order_relaxed); }

  /// The reason why a call is refused: "open", or "forced open by ann: moving disks".
  std::string words() const;

private:
  void carry_out(const store::forced_breaker& order, instant now);
  std::optional<std::string> forced_words() const;
  void log_transitions();

  const capability_options& options_;
  worker_parts& parts_;
  std::atomic<bool>& changed_;
  mutable std::mutex mutex_;
  supervision::breaker breaker_;
  std::vector<supervision::breaker_transition> transitions_;
  std::atomic<std::uint64_t> openings_{0};
  std::optional<store::forced_breaker> order_; // The last one.
  std::deque<uuid> ordered_; // The ids of orders that no database remembers, the newest last.
};

} // namespace troupe
