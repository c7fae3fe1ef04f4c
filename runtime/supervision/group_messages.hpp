#pragma once

#include "runtime/clock.hpp"
#include "runtime/ids.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

namespace troupe::supervision {

/// A child of one group. The owner of the group gives the numbers.
enum class child_id : std::uint32_t {};

// Events: the inputs of a group policy. Each start of a child has its own generation, named by
// start_child. An event of another generation than the current one is stale and changes nothing, so
// a repeated or late message does no harm.

/// Start the group. Given once, first.
struct start_requested {};

/// Time went by: `next_due` has been reached.
struct time_passed {};

/// The child is up.
struct child_started {
  child_id child{};
  std::uint64_t generation = 0;
};

/// The child could not be started, and has no process.
struct child_start_failed {
  child_id child{};
  std::uint64_t generation = 0;
  std::string reason{};
};

/// The child failed and is gone. While it was starting this is a failed start.
struct child_exited {
  child_id child{};
  std::uint64_t generation = 0;
  std::string reason{};
  /// The message it was handling, if known: the cause. If a cause repeats, the child is restarted
  /// at once and the failure does not count.
  std::optional<uuid> message{};
  /// The trace of that message.
  std::optional<uuid> trace{};
};

/// The child stopped as it was asked to.
struct child_stopped {
  child_id child{};
  std::uint64_t generation = 0;
};

using group_event = std::variant<
    start_requested,
    time_passed,
    child_started,
    child_start_failed,
    child_exited,
    child_stopped>;

// Actions: the outputs of a group policy, to be carried out in order.

/// One failure of a child, kept for people and for `why`.
struct failure_record {
  instant when;
  std::uint64_t generation = 0;
  /// The reason, at most 512 bytes.
  std::string reason{};
  /// The message that was being handled, if known, and its trace.
  std::optional<uuid> message{};
  std::optional<uuid> trace{};
};

/// Start the child; answer with child_started or child_start_failed.
struct start_child {
  child_id child{};
  std::uint64_t generation = 0;
};

/// Ask the child (up or still starting) to stop; answer with child_stopped or child_exited.
struct stop_child {
  child_id child{};
  std::uint64_t generation = 0;
};

/// Log that the child, and the children the strategy adds to it, will be started again.
struct plan_restart {
  child_id child{};
  instant due;
  /// Counts from 1; starts over when the child has lived for the window.
  int attempt = 0;
};

/// Log this failure; the policy also keeps it.
struct record_failure {
  child_id child{};
  failure_record failed;
};

/// Every child has been started: tell the brokers to route here.
struct group_up {};

/// The group gave up for now and stops its other children: tell the brokers to route elsewhere.
struct group_down {
  std::string reason{};
  /// The group is tried again then, or when its last child has stopped if that takes longer.
  instant retry_at;
};

using group_action =
    std::variant<start_child, stop_child, plan_restart, record_failure, group_up, group_down>;

} // namespace troupe::supervision
