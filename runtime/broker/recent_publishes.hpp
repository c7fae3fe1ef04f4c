#pragma once

#include "runtime/ids.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <tsl/robin_map.h>

namespace troupe::broker {

/// The ids that clients published last, so that a repeat is answered and not journaled again.
///
/// Bounded: the `ids_max` newest are remembered.
class recent_publishes {
public:
  static constexpr std::size_t ids_max = 65'536;

  struct entry {
    std::uint64_t position = 0;
    /// Of topic and body: a repeat has to be one.
    std::uint64_t digest = 0;
  };

  /// Nothing if `id` is not remembered. Valid until the next change.
  const entry* find(const uuid& id) const;
  /// Remembers `id`, which is not known; its position must be the highest so far.
  void add(const uuid& id, const entry& what);
  /// Forgets the newest, down to and including those at `position`: they were not journaled.
  void drop_from(std::uint64_t position);

private:
  tsl::robin_map<uuid, entry, std::hash<uuid>> known_;
  std::deque<uuid> order_;
};

} // namespace troupe::broker
