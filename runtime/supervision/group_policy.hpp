#pragma once

#include "runtime/backoff.hpp"
#include "runtime/supervision/group_messages.hpp"
#include "runtime/supervision/group_sequence.hpp"
#include "runtime/supervision/known_causes.hpp"
#include "runtime/supervision/restart_budget.hpp"
#include "runtime/supervision/supervised_child.hpp"
#include "runtime/supervision/supervision_options.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::supervision {

/// A child of a group before it is started.
struct child_spec {
  child_id id{};
  std::string name;
};

/// A supervised group before it is started: its policy, and its children in the order of their
/// start. The options are within their ranges, which the topology checks; no id comes twice.
struct group_spec {
  options policy;
  std::vector<child_spec> children;
};

/// A supervisor like Erlang's, as a pure state machine: events in, actions out, no clock, no
/// thread. README.md has its rules, S1 to S24.
///
/// Decides what the end of a child means: back-off, budget, giving up. `group_sequence` decides the
/// order in which children start and stop. The policy never blocks: while a child starts or stops
/// it accepts other events. Confined to its owner's thread. Movable.
class group_policy {
public:
  /// @param seed of the jitter of its back-off.
  group_policy(group_spec spec, std::uint64_t seed);

  /// Handles `event` and appends what is to be done to `actions`.
  ///
  /// @param now never goes back from call to call.
  void handle(const group_event& event, instant now, std::vector<group_action>& actions);

  /// The time at which `time_passed` wants to be handled, if at all.
  std::optional<instant> next_due() const;

  group_state state() const { return sequence_.state(); }

  /// The children, in the order in which they start.
  const std::vector<supervised_child>& children() const { return children_; }

private:
  using position = group_sequence::position;

  struct turn {
    instant now;
    std::vector<group_action>& actions;
  };

  void on(const start_requested& event, turn& now);
  void on(const time_passed& event, turn& now);
  void on(const child_started& event, turn& now);
  void on(const child_start_failed& event, turn& now);
  void on(const child_exited& event, turn& now);
  void on(const child_stopped& event, turn& now);

  /// The child whose current generation this is, if it has a process; else the event is stale.
  std::optional<position> current(child_id child, std::uint64_t generation) const;
  /// The time of the child is over: its restart is due, or it took too long to start or to stop.
  void overdue(position at, turn& now);

  void start(position at, turn& now);
  void stop(position at, turn& now);
  void record(
      position at,
      std::string reason,
      const std::optional<uuid>& message,
      const std::optional<uuid>& trace,
      const turn& now);
  void start_failed(position at, const std::string& reason, turn& now);
  void exited_while_running(position at, const child_exited& event, turn& now);

  /// Plans the restart of a failed child, with those the strategy adds, if the budget allows it.
  void restart_after(position at, std::string_view reason, turn& now);
  /// Restarts a child that failed because of a message that made one fail before: at once, and
  /// without using the budget.
  void restart_again(position at, turn& now);
  /// Starts the child again, with those the strategy adds, when it is due.
  void restart_at(position at, instant due, turn& now);
  void give_up(std::string reason, turn& now);
  void begin();

  /// Does what the sequence says, until it must wait for an answer or for time.
  void advance(turn& now);

  options policy_;
  jitter jitter_;
  restart_budget budget_;
  known_causes causes_; // The causes that are known, kept over the cool-down.
  std::vector<supervised_child> children_;
  group_sequence sequence_;
};

} // namespace troupe::supervision
