#pragma once

#include "runtime/ids.hpp"
#include "runtime/secret_hash.hpp"

#include <cstddef>
#include <deque>
#include <optional>
#include <unordered_set>

namespace troupe::supervision {

/// The messages that made a child of the group fail. One that comes again and fails again says
/// nothing new about the group, so it costs neither budget nor a wait (README, S9).
///
/// Bounded: of more than `kept_max` the oldest are forgotten.
class known_causes {
public:
  static constexpr std::size_t kept_max = 1'024;

  /// Notes a failure while handling `message`, if that is known. @return whether it is a repeat.
  bool note(const std::optional<uuid>& message);

private:
  std::unordered_set<uuid, secret_hash> known_;
  std::deque<uuid> oldest_;
};

} // namespace troupe::supervision
