#pragma once

#include "runtime/actor/actor.hpp"
#include "runtime/supervision/group_messages.hpp"
#include "runtime/worker/busy_clock.hpp"
#include "runtime/worker/group.hpp"
#include "runtime/worker/offenders.hpp"
#include "runtime/worker/write.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// A replica and its instance; it has none while its supervisor restarts it.
struct replica {
  int number = 0;
  std::uint64_t generation = 0;
  std::unique_ptr<actor> instance;
};

/// The replicas of one runner: makes their instances, chooses one for each message, drops failed
/// ones, and tells the supervisor. Confined to the runner's thread.
class replicas {
public:
  /// @param busy the runner's, by which the watchdog notices a constructor that does not return.
  replicas(group& of, const std::vector<int>& numbers, busy_clock& busy, runner_metrics& metrics);

  void on_event(std::function<void(supervision::group_event)> tell) { tell_ = std::move(tell); }

  /// Makes an instance.
  void start(supervision::child_id child, std::uint64_t generation);
  void stop(supervision::child_id child, std::uint64_t generation);

  /// Whether any replica has an instance.
  bool any() const;

  /// A replica with an instance, null if there is none: the same one for the same key while it
  /// lives, each in turn for messages without a key.
  replica* choose(std::string_view key);

  /// A handler of `broken` threw: drops the instance, and the supervisor decides.
  /// @param message the id of the message it worked on, and `trace` that of its trace.
  /// @return whether an instance failed on that message before.
  bool discard(const actor* broken, std::string reason, const uuid& message, const uuid& trace);

  /// Makes the instances again whose turn was not committed, which was no failure of theirs.
  void rebuild_spoilt(std::span<const write> all);

  /// Makes the instances again that took part in an undone turn which is run again, so that no
  /// handler finds traces of it in its instance, and gives them to `all`.
  /// @return false if no replica has an instance any more, as their constructors threw.
  bool renew(std::span<write> all);

  /// The messages on which instances failed.
  offenders& failed_of() { return failed_of_; }

  /// Makes an instance; also for other threads.
  std::unique_ptr<actor> make_instance(int number) const;

private:
  ask_capability ask_for_effects() const;
  std::unique_ptr<actor> make_watched(int number);
  void rebuild(replica& by);
  bool discard(
      const actor* broken,
      std::string reason,
      const std::optional<uuid>& message,
      const std::optional<uuid>& trace,
      restart_cause cause);

  group& group_;
  busy_clock& busy_;
  runner_metrics& metrics_;
  std::vector<replica> all_;
  std::size_t next_ = 0;
  offenders failed_of_;
  std::function<void(supervision::group_event)> tell_;
};

} // namespace troupe
