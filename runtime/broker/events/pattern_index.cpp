#include "runtime/broker/events/pattern_index.hpp"

#include <algorithm>

namespace troupe::broker {

void pattern_index::add(std::uint64_t reader, std::span<const std::string> patterns) {
  for (const std::string& each : patterns) {
    std::vector<std::uint64_t>& readers = readers_[each];
    if (readers.empty() || readers.back() != reader) {
      readers.push_back(reader);
    }
  }
}

void pattern_index::remove(std::uint64_t reader, std::span<const std::string> patterns) {
  for (const std::string& each : patterns) {
    const auto found = readers_.find(each);
    if (found == readers_.end()) {
      continue;
    }
    std::erase(found.value(), reader);
    if (found->second.empty()) {
      readers_.erase(found);
    }
  }
}

void pattern_index::find(std::string_view topic, std::vector<std::uint64_t>& readers) const {
  const auto take = [&](std::string_view pattern) {
    if (const auto found = readers_.find(pattern); found != readers_.end()) {
      readers.insert(readers.end(), found->second.begin(), found->second.end());
    }
  };
  take("*");
  take(topic);
  std::string pattern;
  for (std::size_t dot = topic.find('.'); dot != std::string_view::npos;
       dot = topic.find('.', dot + 1)) {
    pattern.assign(topic.substr(0, dot + 1));
    pattern += '*';
    take(pattern);
  }
}

} // namespace troupe::broker
