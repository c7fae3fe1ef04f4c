#pragma once

#include "runtime/supervision/supervisor.hpp"
#include "runtime/worker/group.hpp"
#include "runtime/worker/group_trend.hpp"
#include "runtime/worker/work_at_hand.hpp"

#include <memory>
#include <string>
#include <vector>

namespace caf {
class actor_system;
} // namespace caf

namespace troupe {

/// A running group: the `group` that all threads share, its runners as CAF actors, and their
/// supervisor.
///
/// Each runner is a blocking actor with its own thread: one if there is a store, whose writer runs
/// all replicas, else one per replica. Its work queue wakes it by a bell, the supervisor by
/// messages. A group whose store is refused for good is shut: it has neither runners nor a
/// supervisor, and only reports that.
class group_runtime {
public:
  /// Opens the store, if there is one, and starts the replicas.
  /// @return possibly a shut group (`front().condition().why_shut()`), if its store was refused for
  /// good.
  /// @errors of the store, if it may open at the next attempt (it is busy, the disk is full or
  /// away).
  static outcome<std::unique_ptr<group_runtime>> start(
      caf::actor_system& system,
      const capability_options& options,
      const actor_type& type,
      worker_parts& parts);

  /// Ends the actors and waits for them: at most for the items that a runner has in hand. Not on an
  /// actor's thread.
  ~group_runtime();
  group_runtime(const group_runtime&) = delete;
  group_runtime& operator=(const group_runtime&) = delete;

  group& front() { return *front_; }

  /// Timers of breaker and supervisor. Every few milliseconds, from the socket loop.
  void tick(instant now);

  /// The time since when the longest handler or commit has been running; nothing if none is.
  std::optional<instant> busy_since() const;

  /// The current work of the runner that has been busy for longest, if it can be read.
  work_at_hand::note at_hand() const;

  /// All running handlers and effects, as text, by their names with their ids. Empty if there are
  /// none.
  std::string under_way() const;

  std::vector<supervision::child_status> replicas() const;

  /// The trend of the group: its rates, and since when its troubles have lasted. Socket loop.
  const group_trend& trend() const { return trend_; }

  /// Asks the actors to end, without waiting. Calls that were not begun stay undone; brokers pass
  /// them to others. Call when nothing is pushed any more.
  void end();

private:
  struct runners;

  group_runtime(const capability_options& options, const actor_type& type, worker_parts& parts);
  outcome<void> launch(caf::actor_system& system);
  void carry_out(const supervision::group_action& action);
  void tell_down(bool down);

  std::unique_ptr<group> front_;
  group_trend trend_;
  std::unique_ptr<runners> runners_;
  std::unique_ptr<supervision::supervisor> supervisor_;
};

} // namespace troupe
