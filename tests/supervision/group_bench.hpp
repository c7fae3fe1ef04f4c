#pragma once

#include "runtime/supervision/group_policy.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace troupe::supervision {

using namespace std::chrono_literals;

/// A child named by one letter; 'a' has the id 1.
child_spec child_named(char name, restart when = restart::permanent);

/// Children a, b, c ... of the same kind.
std::vector<child_spec> children_named(std::string_view names, restart when = restart::permanent);

/// A policy without back-off, so that tests of the order need no waits.
options at_once(strategy on_failure, int max_restarts = 5, milliseconds within = 10s);

/// A group under test: the test plays the children, and reads what is asked of them as text.
///
/// "start a1" starts the first generation of a; also stop, kill, abandon, forget, up, down,
/// stopped. Failures and planned restarts are kept apart.
class group_bench {
public:
  group_bench(const options& policy, std::vector<child_spec> children, std::uint64_t seed = 1);

  void start() { tell(start_requested{}); }

  void stop() { tell(stop_requested{}); }

  void up(char child);
  void fail_start(char child, std::string reason = "no");
  void decline(char child);
  void exit(char child, exit_kind kind = exit_kind::abnormal, std::string reason = "boom");
  void stopped(char child);

  void add(const child_spec& child);
  void remove(char child);

  /// Moves time on and ticks, once, at the end.
  void pass(milliseconds by);
  /// Moves time to when the policy wants to be called.
  void pass_to_due();

  void tell(const group_event& event);

  /// What was asked since the last time, such as "stop b1, start a2".
  std::string take();

  /// Starts the group, and each child as it is asked to; takes what was asked.
  void bring_up();
  /// Answers starts and stops as they are asked for, and says what was asked.
  std::string obey();

  child_state state_of(char child) const;
  std::uint64_t generation_of(char child) const;
  std::vector<std::string> failures_of(char child) const;

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
