#include "runtime/worker/node_description.hpp"

#include "runtime/config.hpp"
#include "runtime/wire/description_page.hpp"

#include <fmt/format.h>
#include <utility>

namespace troupe {

outcome<wire::node_description> describe(
    const wire::describe_node& asked,
    const std::string& node,
    const worker_groups& groups,
    std::size_t bytes_max) {
  if (asked.capability && groups.find(*asked.capability) == nullptr) {
    return failure{not_run_here(node, *asked.capability, groups)};
  }
  std::vector<wire::capability_description> all;
  for (const std::string& name : groups.names()) {
    const group& each = *groups.find(name);
    all.push_back({name, each.options().subscribes, each.type().description});
  }
  auto page = wire::page_of(std::move(all), asked, bytes_max);
  return wire::node_description{node, std::move(page.capabilities), std::move(page.next)};
}

error not_run_here(
    std::string_view node, std::string_view capability, const worker_groups& groups) {
  return {
      .code = errc::unknown_capability,
      .message = fmt::format(
          "{} does not run `{}`{}", node, capability, did_you_mean(capability, groups.names()))};
}

} // namespace troupe
