#include "runtime/worker/effect_breaker.hpp"

#include <variant>
#include <vector>

namespace troupe {

std::optional<supervision::admitted> effect_breaker::admit(int attempt, instant now) {
  auto admitted = ask(now);
  if (admitted && attempt > 1 && admitted->probe != 0) {
    record(*admitted, std::nullopt, {}, now);
    admitted.reset();
  }
  return admitted;
}

std::optional<supervision::call_result>
effect_breaker::judged_by(const outcome<std::string>& result, int attempt) {
  if (result) {
    return supervision::call_result::ok;
  }
  return attempt == 1 ? supervision::result_of(result.error().code) : std::nullopt;
}

void effect_breaker::tell(
    std::optional<supervision::admitted> by,
    std::optional<supervision::call_result> how,
    std::chrono::nanoseconds took,
    instant now) {
  if (!by && how == supervision::call_result::ok) {
    by = ask(now);
  }
  if (by) {
    record(*by, how, took, now);
  }
}

std::optional<supervision::admitted> effect_breaker::ask(instant now) {
  std::vector<supervision::admission> admissions;
  group_.breaker().admit(1, now, admissions);
  const auto* const admitted = std::get_if<supervision::admitted>(&admissions.front());
  return admitted == nullptr ? std::nullopt : std::optional{*admitted};
}

void effect_breaker::record(
    const supervision::admitted& by,
    std::optional<supervision::call_result> how,
    std::chrono::nanoseconds took,
    instant now) {
  const group_breaker::result told{by, how, took};
  group_.breaker().record({&told, 1}, now);
}

} // namespace troupe
