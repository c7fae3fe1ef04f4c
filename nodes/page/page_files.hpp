#pragma once

#include <string_view>
#include <vector>

namespace troupe {

/// A file of the page, compiled in from this folder.
struct page_file {
  /// The path at which the gateway serves it.
  std::string_view path;
  std::string_view type;
  std::string_view text;
};

const std::vector<page_file>& page_files();

} // namespace troupe
