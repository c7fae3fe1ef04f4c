#pragma once

#include "runtime/wire/spans.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace troupe {

/// A span, and the process that reported it.
struct placed_span {
  std::string node;
  wire::told_span what;
};

/// A summary of a trace.
struct trace_summary {
  uuid trace;
  /// Name and process of the root span, or else of the span that began first.
  std::string name;
  std::string node;
  std::int64_t start = 0;
  /// From the first begin to the last end, in nanoseconds.
  std::int64_t duration = 0;
  std::size_t spans = 0;
  std::size_t failed = 0;
};

/// The traces of the spans, newest first.
std::vector<trace_summary> summaries_of(const std::vector<placed_span>& spans);

/// A trace as lines of at most 80 characters: each span below the one that caused it, with a bar
/// for its time. A span whose cause is unknown starts at the left.
std::string waterfall(std::vector<placed_span> spans);

/// "850 us", "12.4 ms", "3.20 s", "2m 5s".
std::string span_time_text(std::int64_t nanoseconds);

} // namespace troupe
