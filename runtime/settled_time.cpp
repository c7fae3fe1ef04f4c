#include "runtime/settled_time.hpp"

#include <algorithm>

namespace troupe {

wall_time settled_time::at(instant now, wall_time wall) {
  const auto passed = std::chrono::duration_cast<wall_time::duration>(
      std::max(now - read_at_, instant::duration::zero()));
  read_at_ = std::max(read_at_, now);
  trial_ = std::max(trial_ - passed, instant::duration::zero());
  if (is_on_trial()) {
    line_ = std::clamp(wall, line_ + passed / 2, line_ + 2 * passed);
    time_ = std::min(line_, wall);
  } else {
    time_ = std::clamp(wall, time_ + passed / 2, time_ + 2 * passed);
    line_ = time_;
  }
  return time_;
}

} // namespace troupe
