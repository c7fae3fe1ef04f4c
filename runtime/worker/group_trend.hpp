#pragma once

#include "runtime/clock.hpp"
#include "runtime/observe/recent_times.hpp"
#include "runtime/wire/status.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace troupe {

class group;

/// The rates of a group, and since when its troubles have lasted, to the second; sampled once a
/// second. Socket loop.
class group_trend {
public:
  /// The state of a group at one moment, as the group reports it.
  struct view {
    std::uint64_t handled = 0;
    std::uint64_t outbox_newest = 0;
    std::uint64_t outbox_confirmed = 0;
    bool is_down = false;
    bool is_open = false;
    bool is_outbox_stopped = false;
  };

  /// Every few milliseconds.
  void look(group& of, instant now);

  /// The same for a caller with its own sample. At most once a second.
  void take(const view& seen, instant now);

  /// The distribution of all handlers' times in the last minute.
  static observe::histogram handler_times(group& of);

  std::optional<std::chrono::microseconds> p99(group& of) const {
    return handlers_.p99(handler_times(of));
  }

  /// Fills in the rate, and all fields that end with `_ms`.
  void describe(wire::group_status& to, instant now) const;

private:
  static constexpr milliseconds interval{1'000};
  static constexpr std::size_t sample_count = 7;
  static constexpr milliseconds sample_interval{10'000};

  struct sample {
    instant at{};
    std::uint64_t handled = 0;
  };

  view last_;
  instant looked_at_{};
  // The newest sample is at `newest_`, the oldest behind it: a minute in all.
  std::array<sample, sample_count> samples_{};
  std::size_t newest_ = 0;
  observe::recent_times handlers_;
  std::optional<instant> down_since_;
  std::optional<instant> open_since_;
  std::optional<instant> stopped_since_;
  std::optional<instant> outbox_waits_since_;
};

} // namespace troupe
