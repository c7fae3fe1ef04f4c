#pragma once

#include "runtime/clock.hpp"
#include "runtime/ids.hpp"
#include "runtime/secret_hash.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_map>

namespace troupe {

/// The messages whose handlers threw in this process, by id. An offender waits before it is tried
/// again, and then has its own turn, so that its repeats delay no other messages.
///
/// Bounded: of more than `kept_max` the oldest are forgotten. Confined to the runner's thread.
class offenders {
public:
  static constexpr std::size_t kept_max = 1'024;
  /// The wait after the first throw; it doubles with each further one, up to the maximum.
  static constexpr milliseconds wait_first{25};
  static constexpr milliseconds wait_most{1'000};

  struct offender {
    std::uint32_t throws = 0;
    instant not_before{};
  };

  /// The offender with this id; null if there is none. Costs nothing while there are no offenders.
  const offender* find(const uuid& id) const { return known_.empty() ? nullptr : look_up(id); }

  /// The handler threw. @return whether it had thrown for this message before.
  bool blame(const uuid& id, instant now);

  /// The handler did not throw this time.
  void acquit(const uuid& id) {
    if (!known_.empty()) {
      known_.erase(id);
    }
  }

private:
  const offender* look_up(const uuid& id) const;

  std::unordered_map<uuid, offender, secret_hash> known_;
  // An acquitted id stays in this list; if it is blamed again, it is forgotten early.
  std::deque<uuid> oldest_;
};

} // namespace troupe
