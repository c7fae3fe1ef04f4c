#include "runtime/broker/recent_publishes.hpp"

namespace troupe::broker {

const recent_publishes::entry* recent_publishes::find(const uuid& id) const {
  const auto found = known_.find(id);
  return found == known_.end() ? nullptr : &found->second;
}

void recent_publishes::add(const uuid& id, const entry& what) {
  if (order_.size() == ids_max) {
    known_.erase(order_.front());
    order_.pop_front();
  }
  known_.insert({id, what});
  order_.push_back(id);
}

void recent_publishes::drop_from(std::uint64_t position) {
  while (!order_.empty()) {
    const auto newest = known_.find(order_.back());
    if (newest->second.position < position) {
      return;
    }
    known_.erase(newest);
    order_.pop_back();
  }
}

} // namespace troupe::broker
