#pragma once

#include "nodes/commands/status/troubles.hpp"
#include "runtime/clock.hpp"

#include <optional>
#include <string>

namespace troupe {

/// Tells since when no broker answers, and for a while afterwards since when one answers again.
/// Pure.
class outage {
public:
  /// How long a return is shown.
  static constexpr milliseconds told_for{30'000};

  /// @param verdict of the newest reading.
  /// @return text; empty if there is nothing to say.
  std::string note(system_health verdict, wall_time now);

private:
  std::optional<wall_time> since_;
  std::optional<wall_time> back_at_;
  milliseconds lasted_{};
};

} // namespace troupe
