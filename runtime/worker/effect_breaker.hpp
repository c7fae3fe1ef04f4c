#pragma once

#include "runtime/clock.hpp"
#include "runtime/outcome.hpp"
#include "runtime/supervision/breaker.hpp"
#include "runtime/worker/group.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace troupe {

/// The use of a group's breaker by the attempts of effects. Any thread.
class effect_breaker {
public:
  explicit effect_breaker(group& of) : group_{of} {}

  /// Asks for a permit for an attempt; nothing if the attempt does not count.
  ///
  /// A repeated attempt gets no permit of a probing breaker: its failure is no news, and while it
  /// hung, nothing else could be the probe, so that one effect that never works would keep the
  /// capability shut.
  std::optional<supervision::admitted> admit(int attempt, instant now);

  /// The result of an attempt for the breaker; nothing if it does not count. Only the first failure
  /// of an effect counts: one effect that never works must not open the breaker for all.
  static std::optional<supervision::call_result>
  judged_by(const outcome<std::string>& result, int attempt);

  /// Reports the end of an attempt. A successful attempt without a permit counts nevertheless: it
  /// asks for a permit now. (The first attempt of an effect may begin before the call that asked
  /// for it has returned its own, the only one of a probing breaker.)
  ///
  /// @param by the result of `admit`.
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
