#include "topology/faults.hpp"

#include <fmt/format.h>
#include <iterator>

namespace troupe::topology {

std::string faults::to_text() const {
  std::string lines;
  const auto end = std::back_inserter(lines);
  for (const fault& each : all) {
    fmt::format_to(end, "{}:", file);
    // {0, 0} stands for the whole file.
    if (each.at.line > 0) {
      fmt::format_to(end, "{}:{}:", each.at.line, each.at.column);
    }
    fmt::format_to(end, " {}", each.what);
    if (!each.remedy.empty()) {
      fmt::format_to(end, "; {}", each.remedy);
    }
    lines += '\n';
  }
  return lines;
}

std::string remedy_for_unknown(
    std::string_view word, const std::vector<std::string>& known, std::string otherwise) {
  const std::string suggestion = did_you_mean(word, known);
  // Without the ", " of ", did you mean ...", since here it is the whole remedy.
  return suggestion.empty() ? otherwise : suggestion.substr(2);
}

} // namespace troupe::topology
