#pragma once

#include "runtime/clock.hpp"
#include "runtime/ids.hpp"
#include "runtime/supervision/group_spec.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

namespace troupe::supervision {

// What a group policy hears. Each start of a child has its own generation, named by start_child;
// what is said of another generation than the current one is stale and changes nothing, so a
// repeated or late "down" message does no harm.

/// Start the group; if it is down, try again at once.
struct start_requested {};

/// Stop the group for good.
struct stop_requested {};

/// Time went by: `next_due` has been reached.
struct time_passed {};

/// The child is up.
struct child_started {
  child_id child{};
  std::uint64_t generation = 0;
};

/// The child could not be started, and nothing of it is left.
struct child_start_failed {
  child_id child{};
  std::uint64_t generation = 0;
  std::string reason{};
};

/// The child has nothing to do and did not start; that is no failure. @source BEHAVIOURS S3.
struct child_declined {
  child_id child{};
  std::uint64_t generation = 0;
};

/// How a child ended: by itself and content, because it was asked to, or otherwise.
enum class exit_kind : std::uint8_t { normal, shutdown, abnormal };

/// The child is no more. While it was starting this is a failed start, whatever the kind.
struct child_exited {
  child_id child{};
  std::uint64_t generation = 0;
  exit_kind kind = exit_kind::abnormal;
  std::string reason{};
  /// The message it had in hand, if that is known.
  std::optional<uuid> message{};
};

/// The child stopped as it was asked to.
struct child_stopped {
  child_id child{};
  std::uint64_t generation = 0;
};

using group_event = std::variant<
    start_requested,
    stop_requested,
    time_passed,
    child_started,
    child_start_failed,
    child_declined,
    child_exited,
    child_stopped>;

// What a group policy asks for. To be carried out in order.

/// One failure of a child, kept for people and for `why`.
struct failure_record {
  instant when;
  std::uint64_t generation = 0;
  /// At most 512 bytes.
  std::string reason{};
  /// The message that was in hand, if that is known.
  std::optional<uuid> message{};
};

/// Start the child; answer with child_started, child_start_failed or child_declined.
struct start_child {
  child_id child{};
  std::uint64_t generation = 0;
};

/// Ask the child (up or still starting) to stop; answer with child_stopped or child_exited.
struct stop_child {
  child_id child{};
  std::uint64_t generation = 0;
  /// It is killed after that.
  milliseconds within{};
};

/// End the child now; answer with child_exited.
struct kill_child {
  child_id child{};
  std::uint64_t generation = 0;
};

/// The child was killed and still did not end: it is given up and may be running yet.
struct abandon_child {
  child_id child{};
  std::uint64_t generation = 0;
};

/// The group knows the child no more: it was removed, or was an added temporary one that ended.
struct forget_child {
  child_id child{};
};

/// The child (and what the strategy says goes with it) will be started again; for the log.
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

/// The group gave up for now and stops what is left of it: tell the brokers to route elsewhere.
struct group_down {
  std::string reason{};
  /// It is tried again then, or when the last child has stopped if that takes longer.
  instant retry_at;
};

/// The group was asked to stop, and nothing of it runs.
struct group_stopped {};

using group_action = std::variant<
    start_child,
    stop_child,
    kill_child,
    abandon_child,
    forget_child,
    plan_restart,
    record_failure,
    group_up,
    group_down,
    group_stopped>;

} // namespace troupe::supervision
