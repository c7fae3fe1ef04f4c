#include "runtime/worker/worker_groups.hpp"

namespace troupe {

worker_groups::worker_groups(const list& all) : all_{all} {
  for (const auto& each : all) {
    by_name_.emplace(each->front().name(), &each->front());
  }
}

group* worker_groups::find(std::string_view capability) const {
  const auto found = by_name_.find(capability);
  return found == by_name_.end() ? nullptr : found->second;
}

std::vector<std::string> worker_groups::names() const {
  std::vector<std::string> names;
  for (const auto& [name, group] : by_name_) {
    names.push_back(name);
  }
  return names;
}

group_queues& worker_groups::adding_to(group& to) {
  if (!to.queues().has_added()) {
    added_to_.push_back(&to.queues());
  }
  return to.queues();
}

void worker_groups::push_added() {
  for (group_queues* each : added_to_) {
    each->push_added();
  }
  added_to_.clear();
}

void worker_groups::tell_writers(const item& what) const {
  for (const auto& each : all_) {
    if (each->front().has_open_store()) {
      each->front().queues().push_internal(item{what});
    }
  }
}

} // namespace troupe
