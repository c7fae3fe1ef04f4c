#include "runtime/transport/stuck_links.hpp"

#include <algorithm>

namespace troupe::transport {

void stuck_links::heard(int descriptor, const measure& received) {
  if (watched_.erase(descriptor) != 0) {
    links_[descriptor] = {received(descriptor), {}};
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
    if (at->second.watched_since == instant{}
        && received(at->first) - at->second.received > message_bytes_max_) {
      at->second.watched_since = now;
      watched_.insert(at->first);
    }
  }
  next_ = at == links_.end() ? 0 : at->first;
  return stuck;
}

} // namespace troupe::transport
