#pragma once

#include "runtime/outcome.hpp"
#include "runtime/supervision/supervision_options.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::supervision {

/// A child of one group. The owner of the group gives the numbers.
enum class child_id : std::uint32_t {};

/// How one child is started again and stopped.
struct child_spec {
  child_id id{};
  /// For logs and reasons ("replica 2"). Not empty.
  std::string name;
  restart when = restart::permanent;
  /// How long it may take to stop before it is killed; unset: the group's. 0 kills at once. 0 to
  /// 1 h: there is no "for ever", since a stop must end. @source BEHAVIOURS S15.
  std::optional<milliseconds> shutdown{};
};

/// A supervised group: its policy, and its children in the order in which they start.
struct group_spec {
  options policy;
  std::vector<child_spec> children;
};

/// Everything wrong with `policy`, in one `invalid` error. @source BEHAVIOURS S2.
outcome<void> check(const options& policy);

/// Everything wrong with `child` by itself, in one `invalid` error.
outcome<void> check(const child_spec& child);

/// Everything wrong with `spec`, its policy and its children, in one `invalid` error.
outcome<void> check(const group_spec& spec);

} // namespace troupe::supervision
