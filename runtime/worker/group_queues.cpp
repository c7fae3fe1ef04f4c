#include "runtime/worker/group_queues.hpp"

#include <cstddef>

namespace troupe {

group_queues::group_queues(std::size_t count)
    : queues_{std::make_unique<work_queue[]>(count)}, batches_(count) {
}

item& group_queues::add_call(std::string_view key) {
  ++added_calls_;
  if (batches_.size() == 1) {
    return add(0);
  }
  const std::uint64_t number =
      key.empty() ? next_queue_++ : digest_of(std::as_bytes(std::span{key}));
  return add(number % batches_.size());
}

item& group_queues::add_event(std::uint32_t partition) {
  ++added_events_;
  return add_order(partition);
}

item& group_queues::add_order(std::uint32_t partition) {
  item& added = add(queue_of(partition));
  added.partition = partition;
  return added;
}

item& group_queues::add(std::size_t queue) {
  has_added_ = true;
  return batches_[queue].emplace_back();
}

void group_queues::push_added() {
  calls_.fetch_add(std::exchange(added_calls_, 0), std::memory_order_relaxed);
  events_.fetch_add(std::exchange(added_events_, 0), std::memory_order_relaxed);
  for (std::size_t i = 0; i < batches_.size(); ++i) {
    if (!batches_[i].empty()) {
      queues_[i].push(batches_[i]);
    }
  }
  has_added_ = false;
}

} // namespace troupe
