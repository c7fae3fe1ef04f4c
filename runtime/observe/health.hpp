#pragma once

#include "runtime/clock.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::observe {

/// One thing that a node needs or serves.
struct health_check {
  /// "broker.b1", "capability.orders", "database.orders", "journal".
  std::string name;
  /// The trouble and what follows from it; empty if there is none.
  std::string error;
  /// The time that the thing took to answer, where it was asked itself.
  std::optional<std::chrono::nanoseconds> took{};
};

/// The state of a node, as its loop told it.
struct health {
  /// The reason why it should not be given work; empty if it should. A missing dependency belongs
  /// here and never makes the node count as not alive: restarting the node would not bring it back.
  std::string unready;
  std::vector<health_check> checks;
  /// The reason why the process cannot recover although its loop answers; empty if it can.
  std::string stuck{};

  bool is_ready() const { return unready.empty(); }

  bool is_healthy() const;
};

/// The words that describe health.
enum class health_words : std::uint8_t {
  /// healthy, unhealthy.
  plain,
  /// pass, warn, fail: warn while something is wrong and the node is ready all the same.
  /// @source draft-inadarei-api-health-check-06, 3.1 and 4.
  standard,
};

/// The status of HTTP: 200 of what is healthy, and in the standard words of a warning, too.
int status_of(const health& of, health_words words);

/// {"status", "checks": {NAME: {"status", "responseTime", "error"}}, "timestamp"}; in the standard
/// words {"status", "output", "checks": {NAME: [{"status", "observedValue", "observedUnit",
/// "output"}]}, "timestamp"}.
///
/// `responseTime` is in milliseconds.
///
/// @param took how long the loop took to answer: of the checks that have no time of their own.
std::string
to_json(const health& of, std::chrono::nanoseconds took, health_words words, wall_time now);

/// The health of a node whose loop did not answer.
health not_live(milliseconds waited);

} // namespace troupe::observe
