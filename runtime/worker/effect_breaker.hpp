#pragma once

#include "runtime/clock.hpp"
#include "runtime/outcome.hpp"
#include "runtime/supervision/breaker.hpp"
#include "runtime/worker/group.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace troupe {

/// A group's breaker as the tries of effects ask it and tell it how they went. Any thread.
class effect_breaker {
public:
  explicit effect_breaker(group& of) : group_{of} {}

  /// Asks for a try to count; nothing if it does not.
  ///
  /// A repeated try gets no permit of a breaker that probes: its failure tells nothing new, and
  /// while it hung, nobody else could be the probe, so that one effect that never works would keep
  /// the capability shut.
  std::optional<supervision::admitted> admit(int attempt, instant now);

  /// The result of a try as it counts; nothing if it does not. Only the first failure of an effect
  /// counts: one effect that never works must not open the breaker for all.
  static std::optional<supervision::call_result>
  judged_by(const outcome<std::string>& result, int attempt);

  /// Tells how a try has ended. One without a permit that succeeds is good news nevertheless: it
  /// asks for one now. (The first try of an effect may begin before the call that asked for it has
  /// given back its own, the only one of a breaker that probes.)
  ///
  /// @param by what `admit` gave.
  void tell(
      std::optional<supervision::admitted> by,
      std::optional<supervision::call_result> how,
      std::chrono::nanoseconds took,
      instant now);

private:
  std::optional<supervision::admitted> ask(instant now);
  void record(
      const supervision::admitted& by,
      std::optional<supervision::call_result> how,
      std::chrono::nanoseconds took,
      instant now);

  group& group_;
};

} // namespace troupe
