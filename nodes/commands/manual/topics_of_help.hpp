#pragma once

#include <string_view>
#include <vector>

namespace troupe {

/// A subject, other than a command, that `troupe help` explains.
struct help_topic {
  std::string_view name;
  std::string_view is_about;
  std::string_view text;
};

const std::vector<help_topic>& help_topics();

} // namespace troupe
