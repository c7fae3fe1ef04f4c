#include "runtime/settled_time.hpp"

#include <algorithm>

namespace troupe {

wall_time settled_time::at(instant now, wall_time wall) {
  const auto passed = std::chrono::duration_cast<wall_time::duration>(
      std::max(now - read_at_, instant::duration::zero()));
  read_at_ = std::max(read_at_, now);
  time_ = std::clamp(wall, time_ + passed / 2, time_ + 2 * passed);
  return time_;
}

} // namespace troupe
