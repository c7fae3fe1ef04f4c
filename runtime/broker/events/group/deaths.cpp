#include "runtime/broker/events/group/deaths.hpp"

#include <algorithm>

namespace troupe::broker {

namespace {

// The number of workers that are gone and may come back and clear themselves.
constexpr std::size_t departed_max = 64;

} // namespace

bool deaths::add(
    const event& what, std::uint32_t partition, bool was_alone, const std::string& node) {
  const std::uint8_t count = blamed_.blame(what.id, departed_.back().incarnation, was_alone);
  departed_.back().blamed.push_back({partition, what.position, what.id});
  if (count < deaths_convicted) {
    return false;
  }
  convicted_[what.position] = {node, partition, false};
  return true;
}

void deaths::end_departure() {
  if (departed_.back().blamed.empty()) {
    departed_.pop_back();
  } else if (departed_.size() > departed_max) {
    departed_.pop_front();
  }
}

deaths::departure deaths::take_back(const uuid& incarnation) {
  const auto found = std::ranges::find(departed_, incarnation, &departure::incarnation);
  if (found == departed_.end()) {
    return {};
  }
  departure taken = std::move(*found);
  departed_.erase(found);
  for (const blame& each : taken.blamed) {
    blamed_.take_back(each.id, incarnation);
  }
  return taken;
}

void deaths::clear(const event& what) {
  if (!blamed_.empty()) {
    blamed_.clear(what.id);
  }
  if (!convicted_.empty()) {
    acquit(what.position);
  }
}

void deaths::acquit_all(std::uint32_t partition) {
  std::erase_if(convicted_, [&](const auto& each) { return each.second.partition == partition; });
}

} // namespace troupe::broker
