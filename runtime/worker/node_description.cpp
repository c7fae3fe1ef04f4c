#include "runtime/worker/node_description.hpp"

#include "runtime/config.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe {

namespace {

// The answer's other fields, and room for names.
constexpr std::size_t frame_bytes = 1'024;

} // namespace

outcome<wire::node_description> describe(
    const wire::describe_node& asked,
    const std::string& node,
    const worker_groups& groups,
    std::size_t bytes_max) {
  std::vector<std::string> names = groups.names();
  if (asked.capability) {
    if (groups.find(*asked.capability) == nullptr) {
      return failure{not_run_here(node, *asked.capability, groups)};
    }
    names = {*asked.capability};
  }
  std::sort(names.begin(), names.end());
  wire::node_description made{.node = node, .capabilities = {}};
  std::size_t bytes = frame_bytes;
  for (const std::string& name : names) {
    if (asked.after && name <= *asked.after) {
      continue;
    }
    const group& each = *groups.find(name);
    wire::capability_description described{
        name, each.options().subscribes, each.type().description};
    bytes += wire::encoded(described).size();
    if (bytes > bytes_max && !made.capabilities.empty()) {
      made.next = made.capabilities.back().capability;
      break;
    }
    made.capabilities.push_back(std::move(described));
  }
  return made;
}

error not_run_here(
    std::string_view node, std::string_view capability, const worker_groups& groups) {
  return {
      .code = errc::unknown_capability,
      .message = fmt::format(
          "{} does not run `{}`{}", node, capability, did_you_mean(capability, groups.names()))};
}

} // namespace troupe
