#pragma once

#include "runtime/supervision/supervised_child.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

namespace troupe::supervision {

enum class group_state : std::uint8_t {
  /// The group is not started yet.
  idle,
  /// The children start, one after another.
  starting,
  /// Every child has been started. With one_for_one single ones may be down, to be started again.
  up,
  /// The strategy stops and starts several children.
  restarting,
  /// The group gave up; its remaining children are being stopped.
  going_down,
  /// The group gave up and waits for its next try.
  down,
};

/// The order of a group: which child starts or stops next, and when all of them are up.
///
/// Children start in their order and stop in reverse, one after another; the sequence waits for
/// each before it names the next one. It reads the children and changes none: its group_policy does
/// what the steps say. Pure; `now` never goes back from call to call.
class group_sequence {
public:
  /// The place of a child in the order of their start, from 0.
  using position = std::size_t;

  struct start_next {
    position child;
  };

  struct stop_next {
    position child;
  };

  /// Every child has been started, for the first time since the group was.
  struct all_are_up {};

  /// The cool-down is over: `begin` again.
  struct try_again {};

  using step = std::variant<start_next, stop_next, all_are_up, try_again>;

  /// The next step; nothing while the sequence waits for a child or for time.
  ///
  /// To be called again after each step, and after each change of a child.
  std::optional<step> next(const std::vector<supervised_child>& children, instant now);

  /// Starts all children, which are fresh.
  void begin();

  /// Stops the children from `first` on and starts them again, not before `due`. A restart in
  /// progress is extended to both.
  void restart_from(position first, instant due);

  /// Stops all children, and tries again at `retry_at` or when they have stopped.
  void give_up(instant retry_at);

  /// Whether the group's first start is at `child`.
  bool is_first_start_of(position child) const;

  /// Whether `child` is stopped, or about to be, with others.
  bool is_being_stopped(position child) const;

  /// The time at which a step is due by time alone, if there is one.
  std::optional<instant> next_due() const;

  group_state state() const;

private:
  struct idle {};

  /// All children start, the first time since the group was started.
  struct first_start {
    /// The child to be started next; the one before it may be starting.
    position next = 0;
  };

  struct all_up {};

  /// The children from `from` on stop, for a restart that is due later.
  struct stopping_part {
    position from = 0;
    /// No child at or after this position has a process.
    position below = 0;
    instant due;
  };

  /// The children have stopped, and the restart is not due yet.
  struct waiting {
    position from = 0;
    instant due;
  };

  /// The children start again.
  struct restart_start {
    position next = 0;
  };

  /// All children stop, since the group gave up.
  struct giving_up {
    position below = 0;
    instant retry_at;
  };

  /// The children have stopped, and the next try is not due yet.
  struct resting {
    instant retry_at;
  };

  using phase = std::
      variant<idle, first_start, all_up, stopping_part, waiting, restart_start, giving_up, resting>;

  /// @param startable the state of the children to be started; fresh ones are started too.
  std::optional<step>
  next_start(position& next, child_state startable, const std::vector<supervised_child>& children);
  static std::optional<step> next_stop(const supervised_child& last, position at);
  /// Lowers `below` to just after the last child from `from` on that has a process.
  /// @return whether there is such a child.
  static bool
  has_any_left(const std::vector<supervised_child>& children, position from, position& below);

  phase phase_;
  bool has_been_up_ = false;
};

} // namespace troupe::supervision
