#include "runtime/transport/parked_messages.hpp"

#include <algorithm>
#include <utility>

namespace troupe::transport {

std::size_t parked_messages::message::bytes() const {
  std::size_t sum = sizeof(message);
  for (std::size_t i = 0; i < std::min(count, frames.size()); ++i) {
    sum += frames[i].size();
  }
  return sum;
}

bool parked_messages::add(std::uint64_t peer, message& what) {
  const std::size_t bytes = what.bytes();
  if (!held_.admits(peer, bytes)) {
    return false;
  }
  held_.add(peer, bytes);
  const auto [line, is_new] = of_.try_emplace(peer);
  if (is_new) {
    turns_.push_back(peer);
  }
  line.value().push_back(std::move(what));
  return true;
}

std::uint64_t parked_messages::next() {
  const std::uint64_t peer = turns_.front();
  turns_.pop_front();
  turns_.push_back(peer);
  return peer;
}

void parked_messages::pop(std::uint64_t peer) {
  const auto line = of_.find(peer);
  held_.remove(peer, line->second.front().bytes());
  line.value().pop_front();
  if (line->second.empty()) {
    of_.erase(line);
    std::erase(turns_, peer);
  }
}

void parked_messages::drop(std::uint64_t peer) {
  while (has(peer)) {
    pop(peer);
  }
}

void parked_messages::clear() {
  while (!turns_.empty()) {
    drop(turns_.front());
  }
}

} // namespace troupe::transport
