#pragma once

#include "runtime/clock.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe::bench {

/// The options that every load program takes.
struct load_options {
  /// Requests that are outstanding, from the first to the last moment.
  std::size_t window = 64;
  std::chrono::duration<double> warm_up{0.3};
  std::chrono::duration<double> measured{1.5};
};

/// The result of one load: the answers that arrived in the time measured, and how long each took.
///
/// The window is kept full before, during and after, so neither ramp nor drain is in the figure.
class figure {
public:
  figure(const load_options& options, instant now);

  /// Answers are counted from the end of the warm-up until the time is over.
  bool is_over(instant now) const { return now >= end_; }

  void answered(instant sent, instant now);
  void failed(std::string_view why);

  std::uint64_t failures() const { return failures_; }

  /// One JSON object. Sorts what was gathered.
  std::string to_json(std::string_view system, std::string_view work);

private:
  double percentile(double fraction);

  std::size_t window_;
  instant begin_;
  instant end_;
  std::vector<std::uint32_t> nanos_; // Four seconds fit; more is counted as that.
  std::uint64_t failures_ = 0;
  std::string first_failure_;
};

} // namespace troupe::bench
