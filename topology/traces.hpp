#pragma once

#include "runtime/config.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace troupe::topology {

struct plan;

/// The section `traces`: which traces are recorded, and who gets them.
struct traces_plan {
  /// The address at which an OpenTelemetry collector takes them: "http://127.0.0.1:4318/v1/traces";
  /// empty if they are only kept in the processes, for `troupe traces`.
  std::string otlp;
  /// The share of the traces that begin here, 0 to 1.
  double sample = 0;
  /// The capabilities whose messages are all recorded.
  std::vector<std::string> always;

  bool is_always(std::string_view capability) const;
};

/// Reads the section, if it is there.
void read_traces(config_reader& reader, traces_plan& into, std::vector<fault>& found);

/// Checks that the capabilities it names are there.
void check_traces(const config_tree& root, const plan& checked, std::vector<fault>& found);

} // namespace troupe::topology
