#include "runtime/wire/description_page.hpp"

#include <algorithm>
#include <utility>

namespace troupe::wire {

namespace {

// Room for the other fields of the answer, and for names.
constexpr std::size_t frame_bytes = 1'024;

} // namespace

description_page page_of(
    std::vector<capability_description> all, const describe_node& asked, std::size_t bytes_max) {
  std::ranges::sort(
      all, [](const auto& one, const auto& other) { return one.capability < other.capability; });
  description_page made;
  std::size_t bytes = frame_bytes;
  for (capability_description& each : all) {
    if ((asked.capability && each.capability != *asked.capability)
        || (asked.after && each.capability <= *asked.after)) {
      continue;
    }
    bytes += encoded(each).size();
    if (bytes > bytes_max && !made.capabilities.empty()) {
      made.next = made.capabilities.back().capability;
      break;
    }
    made.capabilities.push_back(std::move(each));
  }
  return made;
}

} // namespace troupe::wire
