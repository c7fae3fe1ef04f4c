#include "runtime/transport/crowd.hpp"

#include <algorithm>
#include <limits>

namespace troupe::transport {

std::uint64_t crowd::reserve_of(std::uint64_t open_files_max) {
  return std::min(open_files_max, std::clamp<std::uint64_t>(open_files_max / 8, 16, 256));
}

crowd::crowd(std::uint64_t open_files_max)
    : mark_{
        open_files_max == 0 ? std::numeric_limits<std::uint64_t>::max()
                            : open_files_max - reserve_of(open_files_max)} {
}

void crowd::accepted(int descriptor, instant now) {
  if (static_cast<std::uint64_t>(descriptor) >= mark_ && kept_.count(descriptor) == 0) {
    beyond_[descriptor] = now + told_within;
    ++turned_away_;
  }
}

void crowd::hurry(std::size_t turned_away, instant now) {
  turned_away_ += turned_away;
  for (auto& [descriptor, until] : beyond_) {
    until = std::min(until, now + told_in_haste);
  }
}

void crowd::ended(int descriptor) {
  beyond_.erase(descriptor);
  kept_.erase(descriptor);
}

void crowd::keep(int descriptor) {
  if (static_cast<std::uint64_t>(descriptor) >= mark_) {
    beyond_.erase(descriptor);
    kept_.insert(descriptor);
  }
}

std::vector<int> crowd::overdue(instant now) {
  std::vector<int> found;
  for (auto each = beyond_.begin(); each != beyond_.end();) {
    if (each->second <= now) {
      found.push_back(each->first);
      each = beyond_.erase(each);
    } else {
      ++each;
    }
  }
  return found;
}

bool crowd::is_worth_telling(instant now) {
  if (turned_away_ == told_ || now - told_at_ < told_interval) {
    return false;
  }
  told_ = turned_away_;
  told_at_ = now;
  return true;
}

instant crowd::next_due() const {
  instant due = instant::max();
  for (const auto& [descriptor, until] : beyond_) {
    due = std::min(due, until);
  }
  return due;
}

} // namespace troupe::transport
