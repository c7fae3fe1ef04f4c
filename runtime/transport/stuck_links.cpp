#include "runtime/transport/stuck_links.hpp"

#include <algorithm>

namespace troupe::transport {

void stuck_links::heard(int descriptor, const measure& received) {
  const auto index = static_cast<std::size_t>(descriptor);
  if (index >= heard_.size()) {
    heard_.resize(index + 1);
  }
  heard_[index] = true;
  if (!watched_.empty() && watched_.erase(descriptor) != 0) {
    links_[descriptor] = {received(descriptor), {}};
  }
}

void stuck_links::stood_still(instant now) {
  for (const int each : watched_) {
    links_[each].watched_since = now;
  }
}

std::vector<int> stuck_links::look(bool is_all_read, const measure& received, instant now) {
  look_at_ = now + look_interval;
  std::vector<int> stuck;
  for (const int each : watched_) {
    const auto watched = now - links_[each].watched_since;
    if (watched >= (is_all_read ? patience : patience_when_busy)) {
      stuck.push_back(each);
    }
  }
  for (const int each : stuck) {
    ended(each);
  }
  auto at = links_.lower_bound(next_);
  for (std::size_t i = std::min(looked_at_once, links_.size()); i != 0; --i, ++at) {
    at = at == links_.end() ? links_.begin() : at;
    link& looked_at = at->second;
    if (looked_at.watched_since != instant{}) {
      continue;
    }
    const std::uint64_t bytes = received(at->first);
    const auto index = static_cast<std::size_t>(at->first);
    if (index < heard_.size() && heard_[index]) {
      heard_[index] = false;
      looked_at.received = bytes;
    } else if (bytes - looked_at.received > message_bytes_max_) {
      looked_at.watched_since = now;
      watched_.insert(at->first);
    }
  }
  next_ = at == links_.end() ? 0 : at->first;
  return stuck;
}

} // namespace troupe::transport
