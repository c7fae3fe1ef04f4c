#include "tests/bench/figure.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

namespace troupe::bench {

figure::figure(const load_options& options, instant now)
    : window_{options.window},
      begin_{now + std::chrono::duration_cast<instant::duration>(options.warm_up)},
      end_{begin_ + std::chrono::duration_cast<instant::duration>(options.measured)} {
  nanos_.reserve(1U << 20U);
}

void figure::answered(instant sent, instant now) {
  if (now < begin_ || now >= end_) {
    return;
  }
  const auto took = std::chrono::nanoseconds{now - sent}.count();
  nanos_.push_back(static_cast<std::uint32_t>(
      std::min<std::int64_t>(took, std::numeric_limits<std::uint32_t>::max())));
}

void figure::failed(std::string_view why) {
  if (failures_++ == 0) {
    first_failure_ = why;
  }
}

double figure::percentile(double fraction) {
  if (nanos_.empty()) {
    return 0;
  }
  const auto at = static_cast<std::ptrdiff_t>(fraction * static_cast<double>(nanos_.size() - 1));
  std::nth_element(nanos_.begin(), nanos_.begin() + at, nanos_.end());
  return nanos_[static_cast<std::size_t>(at)] / 1e3;
}

std::string figure::to_json(std::string_view system, std::string_view work) {
  const std::chrono::duration<double> seconds = end_ - begin_;
  nlohmann::ordered_json line{
      {"system", system},
      {"work", work},
      {"window", window_},
      {"answers", nanos_.size()},
      {"rate_per_s", static_cast<double>(nanos_.size()) / seconds.count()},
      {"p50_us", percentile(0.5)},
      {"p99_us", percentile(0.99)},
      {"failures", failures_}};
  if (failures_ != 0) {
    line["first_failure"] = first_failure_;
  }
  return line.dump();
}

} // namespace troupe::bench
