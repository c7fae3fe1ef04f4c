#pragma once

#include "runtime/clock.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::observe {

/// The rates at which lines of a log are written: of each event, about each capability, 100 at
/// once, and then 10 a second. An event that happens a thousand times a second must not fill a
/// disk, nor hide one that happens once. Lines left out are counted. Audit lines are all written:
/// they are already samples (`security::audit_sample`), or they record what a person did.
class line_rates {
public:
  static constexpr double at_once = 100;
  static constexpr double per_second = 10;
  static constexpr milliseconds told_every{10'000};
  static constexpr milliseconds looked_every{1'000};
  /// Events and capabilities that are told apart. Beyond, an event has one bucket for all others.
  static constexpr std::size_t pairs_max = 1'024;

  /// Whether a line about `event` is written now; if not, it is counted.
  /// @param capability that it is about; empty: none.
  bool takes(std::string_view event, std::string_view capability, instant now);

  /// The number of lines about an event that were left out, of one capability or of none.
  struct left_out {
    std::string event;
    std::string capability;
    std::uint64_t count = 0;
  };

  using left_out_lines = std::vector<left_out>;

  /// The counts of the events that are rare again, or were left out for `told_every`; of all of
  /// them at the end. Each line is counted once. Looks once in `looked_every`.
  left_out_lines take_left_out(instant now, bool is_end = false);

private:
  struct bucket {
    double room = at_once;
    instant filled_at{};
    std::uint64_t left_out = 0;
    instant left_out_since{};
  };

  static void fill(bucket& one, instant now);
  bucket& bucket_of(std::string_view event, std::string_view capability, instant now);

  // Events are those of the sources: few.
  using buckets_of_event = std::map<std::string, bucket, std::less<>>;
  std::map<std::string, buckets_of_event, std::less<>> buckets_;
  std::size_t pairs_ = 0;
  std::uint64_t all_left_out_ = 0;
  // A flood pays for a look at all buckets once in `looked_every`, not with each line.
  instant looked_at_{};
};

} // namespace troupe::observe
