#pragma once

#include "runtime/supervision/group_messages.hpp"

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::supervision {

/// `fresh`: not started since the group was; `waiting`: its restart is due later; `ended`: has no
/// process and waits for the group.
enum class child_state : std::uint8_t { fresh, starting, running, waiting, stopping, ended };

/// "running": as status shows it.
std::string_view name_of(child_state state);

/// One child of a group: its state, its time limits and its failures.
///
/// A record of its group_policy, which makes every change.
struct supervised_child {
  /// The number of failures that are kept, the last ones.
  static constexpr std::size_t failures_kept = 16;

  child_id id{};
  /// The name for logs and reasons ("replica 2").
  std::string name;
  child_state state = child_state::fresh;
  /// The generation of the latest start; 0 before the first one.
  std::uint64_t generation = 0;
  /// The time by which it must have started or stopped, or at which a waiting one is started.
  std::optional<instant> due{};
  /// The time since when it has been running.
  instant since{};
  /// Failures since it last lived for the window.
  int failures_in_row = 0;
  /// Failures since it last lived longer than the intensity asks for (README, Decisions).
  int quick_failures_in_row = 0;
  std::deque<failure_record> failures{};

  /// Whether it has, or may have, a process.
  bool has_process() const;

  void enter(child_state next, std::optional<instant> until = std::nullopt);

  /// Stores a failure of the current generation and returns it as stored: the reason is cut.
  const failure_record& keep_failure(
      instant now,
      std::string reason,
      const std::optional<uuid>& message,
      const std::optional<uuid>& trace = {});

  /// Resets the child, as when its group is started: nothing counts any more except the failures
  /// kept for people.
  void renew();
};

} // namespace troupe::supervision
