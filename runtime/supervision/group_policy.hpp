#pragma once

#include "runtime/backoff.hpp"
#include "runtime/supervision/group_messages.hpp"
#include "runtime/supervision/restart_budget.hpp"

#include <cstddef>
#include <deque>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

namespace troupe::supervision {

enum class group_state : std::uint8_t {
  /// Not started yet.
  idle,
  /// The children start, one after another.
  starting,
  /// Every child has been started. With one_for_one single ones may be down and due again.
  up,
  /// The strategy stops and starts several children.
  restarting,
  /// It gave up; what is left of it is being stopped.
  going_down,
  /// It gave up and waits for its next try.
  down,
  stopping,
  stopped,
};

/// `fresh`: not started since the group was; `waiting`: its restart is due later; `ended`: has no
/// process and is not due, though a restart of the group may start it again.
enum class child_state : std::uint8_t { fresh, starting, running, waiting, stopping, ended };

/// Whether there is something that runs.
constexpr bool has_process(child_state state) {
  return state == child_state::starting || state == child_state::running
         || state == child_state::stopping;
}

/// What a group says of one child.
struct child_view {
  child_id id{};
  std::string name;
  child_state state = child_state::fresh;
  /// Of the latest start; 0 before the first one.
  std::uint64_t generation = 0;
  /// Failures since it last lived for the window.
  int failures_in_row = 0;
};

/// An Erlang supervisor as a pure state machine: events in, actions out, no clock, no thread.
///
/// Unlike Erlang's it never waits inside: while a child starts or stops it hears other events, and
/// a stop is served at once (S24). It gives up for a while instead of dying (README, Decisions).
/// Confined to its owner's thread. Movable.
/// @source BEHAVIOURS 6, S1 to S24; README.md says what is taken.
class group_policy {
public:
  /// How many failures are kept per child.
  static constexpr std::size_t failures_kept = 16;

  /// How long a killed child may take to end before it is given up. @source RELIABILITY F13.
  static constexpr milliseconds kill_grace{1'000};

  /// @param seed of the jitter of its back-off.
  /// @errors `invalid`: the spec, with everything that is wrong with it; nothing starts (S2).
  static outcome<group_policy> make(group_spec spec, std::uint64_t seed);

  /// Takes `event` in and appends what is to be done to `actions`.
  ///
  /// @param now never goes back from call to call.
  void handle(const group_event& event, instant now, std::vector<group_action>& actions);

  /// Adds a child behind the others; it starts as soon as the group runs. @source BEHAVIOURS S22.
  ///
  /// @errors `conflict`: the id is known; `invalid`: the spec is wrong. Nothing changed in either.
  outcome<void> add(child_spec spec, instant now, std::vector<group_action>& actions);

  /// Stops the child, if there is anything to stop, and forgets it; also one that waits for its
  /// restart. @source BEHAVIOURS S12, S23.
  ///
  /// @errors `invalid`: no child has that id; nothing changed.
  outcome<void> remove(child_id child, instant now, std::vector<group_action>& actions);

  /// When `time_passed` wants to be handled, if at all.
  std::optional<instant> next_due() const;

  group_state state() const;

  /// When a group that gave up is tried again.
  std::optional<instant> retry_at() const;

  std::optional<child_view> child(child_id child) const;

  /// In the order in which they start.
  std::vector<child_view> children() const;

  /// The last failures of a child, oldest first; empty for an unknown one.
  std::vector<failure_record> failures(child_id child) const;

  /// Events ignored since they spoke of a past generation or of an unknown child.
  std::uint64_t stale_events() const { return stale_; }

private:
  // Children are numbered from 1 in the order of their start; numbers are not used again.
  using position = std::uint64_t;

  enum class stop_cause : std::uint8_t { sequence, removal, start_overdue };

  struct known_child {
    child_spec spec;
    // One of the spec the group was made with; those come back after a cool-down.
    bool original = false;
    child_state state = child_state::fresh;
    std::uint64_t generation = 0;
    // When it should be up, started again, or gone, by its state.
    std::optional<instant> timer{};
    // While running: since when.
    instant since{};
    // While stopping: why, and whether it was killed already.
    stop_cause cause = stop_cause::sequence;
    bool killed = false;
    int failures_in_row = 0;
    int quick_failures_in_row = 0;
    std::deque<failure_record> failures{};
  };

  using entry = std::map<position, known_child>::iterator;

  // What the group as a whole is doing.
  struct idle {};

  struct first_start {
    // The child that starts, or the last one that did.
    position at = 0;
  };

  struct all_up {};

  struct stopping_part {
    position from = 0;
    // Nothing at or above this one is left to stop.
    position below = 0;
    instant due;
  };

  struct waiting {
    position from = 0;
    instant due;
  };

  struct restart_start {
    position at = 0;
  };

  struct giving_up {
    position below = 0;
    instant retry_at;
  };

  struct resting {
    instant retry_at;
  };

  struct ending {
    position below = 0;
  };

  struct ended {};

  using phase = std::variant<
      idle,
      first_start,
      all_up,
      stopping_part,
      waiting,
      restart_start,
      giving_up,
      resting,
      ending,
      ended>;

  struct turn {
    instant now;
    std::vector<group_action>& actions;
  };

  group_policy(group_spec spec, std::uint64_t seed);

  static child_view view_of(const known_child& of);

  void on(const start_requested& event, turn& now);
  void on(const stop_requested& event, turn& now);
  void on(const time_passed& event, turn& now);
  void on(const child_started& event, turn& now);
  void on(const child_start_failed& event, turn& now);
  void on(const child_declined& event, turn& now);
  void on(const child_exited& event, turn& now);
  void on(const child_stopped& event, turn& now);

  /// The child whose current generation this is, if it has a process; else counts a stale event.
  std::optional<entry> current(child_id child, std::uint64_t generation);
  position append(child_spec spec, bool original);
  void set_timer(entry child, std::optional<instant> at);
  void overdue(entry child, turn& now);

  void launch(entry child, turn& now);
  void stop(entry child, stop_cause cause, turn& now);
  void kill(entry child, turn& now);
  void exited_while_running(entry child, const child_exited& event, turn& now);
  void start_failed(entry child, std::string reason, turn& now);
  void gone(entry child, turn& now);
  /// The child has no process and is not to be restarted on its own account.
  void settle(entry child, turn& now);
  void forget(entry child, turn& now);
  void record(entry child, std::string reason, const std::optional<uuid>& message, turn& now);

  void restart_after(entry child, std::string_view reason, turn& now);
  void begin_start();
  void give_up(std::string reason, turn& now);
  void cancel_restarts();
  /// Whether the child is among those that are being stopped.
  bool is_being_stopped(position child) const;

  /// Does the next thing of the current phase, until it must wait for an answer or for time.
  void advance(turn& now);
  bool step(turn& now);
  bool step_start(position& at, bool first, turn& now);
  bool step_stop(position from, position& below, turn& now);

  options policy_;
  jitter jitter_;
  restart_budget budget_;
  std::map<position, known_child> members_;
  std::unordered_map<child_id, position> positions_;
  std::set<std::pair<instant, position>> timers_;
  position last_position_ = 0;
  phase phase_;
  bool said_up_ = false;
  std::uint64_t stale_ = 0;
};

} // namespace troupe::supervision
