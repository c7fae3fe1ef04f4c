#pragma once

#include <string_view>
#include <vector>

namespace troupe {

/// Something that `troupe help` explains and that is no command.
struct help_topic {
  std::string_view name;
  std::string_view is_about;
  std::string_view text;
};

const std::vector<help_topic>& help_topics();

} // namespace troupe
