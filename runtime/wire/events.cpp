#include "runtime/wire/events.hpp"

#include "runtime/wire/limits.hpp"

#include <algorithm>

namespace troupe::wire {

std::uint32_t partition_of(std::string_view key, const uuid& id) {
  const auto bytes =
      key.empty() ? std::as_bytes(std::span{id.bytes}) : std::as_bytes(std::span{key});
  return static_cast<std::uint32_t>(digest_of(bytes) % partition_count);
}

bool matches(std::string_view pattern, std::string_view topic) {
  if (!pattern.ends_with('*')) {
    return pattern == topic;
  }
  pattern.remove_suffix(1);
  return topic.size() > pattern.size() && topic.starts_with(pattern);
}

bool matches_any(std::span<const std::string> patterns, std::string_view topic) {
  return std::ranges::any_of(
      patterns, [&](const std::string& each) { return matches(each, topic); });
}

bool is_topic(std::string_view text) {
  if (text.empty() || text.size() > name_bytes_max || text.front() == '.' || text.back() == '.'
      || text.find("..") != std::string_view::npos) {
    return false;
  }
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
  });
}

bool is_pattern(std::string_view text) {
  if (text == "*") {
    return true;
  }
  if (text.ends_with(".*")) {
    text.remove_suffix(2);
  }
  return is_topic(text);
}

} // namespace troupe::wire
