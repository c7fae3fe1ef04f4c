#pragma once

#include "runtime/wire/description.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace troupe::wire {

/// Some of the descriptions that `describe` asks for.
struct description_page {
  std::vector<capability_description> capabilities{};
  /// The last capability of this page, if more follow.
  std::optional<std::string> next{};
};

/// The requested capabilities of `all`, by name, as many as fit into `bytes_max` bytes, but at
/// least one if there is any.
description_page
page_of(std::vector<capability_description> all, const describe_node& asked, std::size_t bytes_max);

/// The answer to `describe` of `troupe.broker`.
struct system_description {
  /// The name of the topology.
  std::string system;
  std::vector<capability_description> capabilities;
  std::optional<std::string> next{};
};

TROUPE_MESSAGE(system_description, system, capabilities, next)

} // namespace troupe::wire
