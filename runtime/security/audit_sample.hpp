#pragma once

#include "runtime/clock.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace troupe::security {

/// Chooses the refusals that get a line in the audit log: of each series the first one, and then at
/// most one in each interval, with the number of those since the last line. So a peer that is
/// refused ten thousand times a second neither fills the log nor hides the refusals of others.
/// Pure.
class audit_sample {
public:
  /// @param count the number of distinct series: by name and kind of act where names are proved.
  explicit audit_sample(std::size_t count, std::chrono::seconds interval = std::chrono::seconds{1})
      : interval_{interval}, series_(count) {}

  /// Counts a refusal. @return how many there were since the last line, this one included, if it
  /// gets a line.
  std::optional<std::uint64_t> note(std::size_t number, instant now) {
    series& of = series_[number];
    ++of.unsaid;
    ++refused_;
    if (of.said_at && now - *of.said_at < interval_) {
      return std::nullopt;
    }
    of.said_at = now;
    return std::exchange(of.unsaid, 0);
  }

  /// The number of all refusals.
  std::uint64_t refused() const { return refused_; }

private:
  struct series {
    std::optional<instant> said_at{};
    std::uint64_t unsaid = 0;
  };

  std::chrono::seconds interval_;
  std::vector<series> series_;
  std::uint64_t refused_ = 0;
};

} // namespace troupe::security
