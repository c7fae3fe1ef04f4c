#pragma once

#include "runtime/supervision/group_policy.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::supervision {

using namespace std::chrono_literals;

/// Children named by a letter each, from a on; 'a' has the id 1.
std::vector<child_spec> children_named(std::string_view names);

/// A policy without back-off, so that tests of the order need no waits.
options at_once(strategy on_failure, int max_restarts = 5, milliseconds within = 10s);

/// A group under test: the test plays the children, and reads the actions as text.
///
/// "start a1" starts the first generation of a, "stop a1" stops it; "up" and "down" are the
/// group's. Failures and planned restarts are kept apart.
class group_bench {
public:
  group_bench(const options& policy, std::vector<child_spec> children, std::uint64_t seed = 1);

  void start() { tell(start_requested{}); }

  void up(char child);
  void fail_start(char child, std::string reason = "no");
  void exit(char child, std::string reason = "boom", std::optional<uuid> message = {});
  void stopped(char child);

  /// Moves time on, then tells the policy.
  void pass(milliseconds by);
  /// Moves time to the policy's `next_due`.
  void pass_to_due();

  void tell(const group_event& event);

  /// The actions since the last call, such as "stop b1, start a2".
  std::string take();

  /// Starts the group and all of its children, and forgets the actions.
  void bring_up();
  /// Carries starts and stops out, those that follow from them too, and returns all as text.
  std::string obey();

  const supervised_child& child(char name) const;

  child_state state_of(char name) const { return child(name).state; }

  std::uint64_t generation_of(char name) const { return child(name).generation; }

  std::vector<std::string> failures_of(char name) const;

  group_policy policy;
  instant now{1h};
  std::vector<plan_restart> plans;
  std::string down_reason;
  instant retry_at;

private:
  void collect();

  std::vector<group_action> actions_;
  std::vector<group_action> unanswered_;
  std::string asked_;
};

} // namespace troupe::supervision
