#pragma once

#include "runtime/actor/config_mapping.hpp"
#include "runtime/clock.hpp"
#include "runtime/wire/message.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace troupe::reconcile {

/// The `config` of a capability that reconciles others.
struct reconciliation_options {
  /// The file of invariants, from the folder of the topology.
  std::string invariants;
  /// The time from the end of a pass over an invariant to the next.
  milliseconds every{300'000};
  /// The age that a row must have to be judged, instead of what the file says.
  std::optional<milliseconds> settle{};
  /// The time for which a finding, or that it is gone, must stand to be told.
  milliseconds recheck{2'000};
  /// Rows asked for at once, and the time from one page to the next.
  std::int64_t page = 500;
  milliseconds pause{10};
  /// The saga that corrects what an invariant finds, by invariant: "CAPABILITY.OPERATION".
  std::map<std::string, std::string> correct{};
};

TROUPE_MESSAGE(reconciliation_options, invariants, every, settle, recheck, page, pause, correct)

/// The problem that types cannot express.
std::optional<config_problem> problem_of(const reconciliation_options& given);

} // namespace troupe::reconcile
