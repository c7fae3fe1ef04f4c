#include "runtime/saga/lane.hpp"

namespace troupe::saga {

void lane::run(const uuid& saga) {
  if (running_.insert(saga).second) {
    stop_waiting(saga);
  }
}

void lane::wait(const uuid& saga, const std::string& key) {
  leave(saga);
  waiting_[key].insert(saga);
  keys_.emplace(saga, key);
}

void lane::leave(const uuid& saga) {
  running_.erase(saga);
  stop_waiting(saga);
}

void lane::stop_waiting(const uuid& saga) {
  const auto known = keys_.find(saga);
  if (known == keys_.end()) {
    return;
  }
  const auto line = waiting_.find(known->second);
  line->second.erase(saga);
  if (line->second.empty()) {
    waiting_.erase(line);
  }
  keys_.erase(known);
}

void lane::clear() {
  running_.clear();
  waiting_.clear();
  keys_.clear();
}

std::optional<uuid> lane::next() {
  if (!has_room() || waiting_.empty()) {
    return std::nullopt;
  }
  auto line = waiting_.upper_bound(last_);
  if (line == waiting_.end()) {
    line = waiting_.begin();
  }
  last_ = line->first;
  return *line->second.begin();
}

} // namespace troupe::saga
