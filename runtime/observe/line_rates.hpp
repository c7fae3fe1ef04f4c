#pragma once

#include "runtime/clock.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::observe {

/// Which lines of a log are written: of each event 100 at once, and then 10 a second. What happens
/// a thousand times a second must not fill a disk, nor hide what happens once. Those left out are
/// counted.
class line_rates {
public:
  static constexpr double at_once = 100;
  static constexpr double per_second = 10;
  static constexpr milliseconds told_every{10'000};

  /// Whether a line about `event` is written now; if not, it is counted.
  bool takes(std::string_view event, instant now);

  /// An event, and how many lines about it were left out.
  using left_out_lines = std::vector<std::pair<std::string, std::uint64_t>>;

  /// The counts of the events that are rare again, or were left out for `told_every`; of all of
  /// them at the end. Each line is counted once.
  left_out_lines take_left_out(instant now, bool is_end = false);

private:
  struct bucket {
    double room = at_once;
    instant filled_at{};
    std::uint64_t left_out = 0;
    instant left_out_since{};
  };

  static void fill(bucket& one, instant now);

  // Names are those of the sources: few.
  std::map<std::string, bucket, std::less<>> buckets_;
  std::uint64_t all_left_out_ = 0;
};

} // namespace troupe::observe
