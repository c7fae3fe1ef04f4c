#include "runtime/transport/keyed_links.hpp"

namespace troupe::transport {

bool keyed_links::has(peer whom) {
  if (last_ == whom) {
    return true;
  }
  const bool is_here = of_peer_.contains(static_cast<std::uint64_t>(whom));
  if (is_here) {
    last_ = whom;
  }
  return is_here;
}

void keyed_links::add(
    peer whom, int descriptor, std::string_view owner, const std::optional<curve_public_key>& key) {
  // A message of a new connection can arrive before the news that the previous one on this
  // descriptor ended.
  ended(descriptor);
  by_descriptor_[descriptor] = {whom, std::string{owner}, key};
  of_peer_[static_cast<std::uint64_t>(whom)] = descriptor;
}

void keyed_links::ended(int descriptor) {
  if (const auto found = by_descriptor_.find(descriptor); found != by_descriptor_.end()) {
    of_peer_.erase(static_cast<std::uint64_t>(found->second.whom));
    by_descriptor_.erase(found);
    last_.reset();
  }
}

keyed_links::taken
keyed_links::take_invalid(const std::function<bool(const curve_public_key&)>& is_valid) {
  taken all;
  for (const auto& [descriptor, known] : by_descriptor_) {
    if (known.key && !is_valid(*known.key)) {
      all.descriptors.push_back(descriptor);
      all.peers.push_back(known.whom);
      all.owners.insert(known.owner);
    }
  }
  for (const int each : all.descriptors) {
    ended(each);
  }
  return all;
}

} // namespace troupe::transport
