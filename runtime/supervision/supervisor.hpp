#pragma once

#include "runtime/clock.hpp"
#include "runtime/supervision/group_policy.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace caf {
class actor_system;
} // namespace caf

namespace troupe::supervision {

/// A child as `troupe status` shows it.
struct child_status {
  std::string name;
  std::string state;
  std::uint64_t generation = 0;
  std::vector<failure_record> failures;
};

/// The CAF shell of a group policy: an actor that receives events, lets the policy decide and
/// passes its actions to `carry_out`. No other file of supervision knows CAF.
///
/// `tell` and `tick` from any thread; `carry_out` runs on the actor's thread, one call at a time.
class supervisor {
public:
  supervisor(
      caf::actor_system& system,
      const clock& time,
      group_policy policy,
      std::function<void(const group_action&)> carry_out);
  /// Ends the actor and waits for it; nothing is carried out afterwards. Not to be called on an
  /// actor's thread.
  ~supervisor();
  supervisor(const supervisor&) = delete;
  supervisor& operator=(const supervisor&) = delete;

  void tell(group_event event);
  /// Tells the policy that time has passed, if its next time is due.
  void tick(instant now);

  std::vector<child_status> children() const;

  /// Asks the actor to end. It finishes the current event.
  void end();

private:
  struct shared;
  std::shared_ptr<shared> shared_;
};

} // namespace troupe::supervision
