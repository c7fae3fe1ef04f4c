#include "nodes/broker_memory.hpp"

#include <algorithm>

namespace troupe {

namespace {

std::size_t subscribers_of(const topology::plan& plan) {
  return static_cast<std::size_t>(std::ranges::count_if(
      plan.capabilities, [](const auto& each) { return !each.subscribes.empty(); }));
}

} // namespace

broker::memory_shares shares_of(const topology::plan& plan) {
  const auto least = static_cast<std::size_t>(topology::window_bytes_least(plan.body_bytes_max));
  return broker::shares_of(plan.memory_max, subscribers_of(plan) * least);
}

broker::event_window window_of(const topology::plan& plan) {
  broker::event_window window;
  const std::size_t share =
      shares_of(plan).windows / std::max<std::size_t>(1, subscribers_of(plan));
  const auto least = static_cast<std::size_t>(topology::window_bytes_least(plan.body_bytes_max));
  window.bytes = std::max(least, std::min(window.bytes, share));
  return window;
}

} // namespace troupe
