#pragma once

#include "runtime/clock.hpp"
#include "runtime/security/rules.hpp"

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace troupe::security {

/// Which refusals get a line in the audit log: of each name and each kind of act the first one, and
/// then one in a second at most, with the number of those since the last line. Whoever is refused
/// ten thousand times a second fills no log, and hides nobody else's refusals. Pure.
class audit_sample {
public:
  static constexpr std::chrono::seconds interval{1};

  /// @param rows of the table of rules.
  explicit audit_sample(std::size_t rows) : series_(rows * act_count) {}

  /// Counts a refusal. @return how many there were since the last line, this one included, if it
  /// gets a line.
  std::optional<std::uint64_t> note(rules::row who, act what, instant now) {
    series& of =
        series_[static_cast<std::size_t>(who) * act_count + static_cast<std::size_t>(what)];
    ++of.unsaid;
    ++refused_;
    if (of.said_at && now - *of.said_at < interval) {
      return std::nullopt;
    }
    of.said_at = now;
    return std::exchange(of.unsaid, 0);
  }

  /// All that were counted.
  std::uint64_t refused() const { return refused_; }

private:
  struct series {
    std::optional<instant> said_at{};
    std::uint64_t unsaid = 0;
  };

  std::vector<series> series_;
  std::uint64_t refused_ = 0;
};

} // namespace troupe::security
