#pragma once

#include "runtime/clock.hpp"

#include <cstdint>
#include <fmt/format.h>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

/// "1 saga", "2 sagas".
inline std::string count_of(std::uint64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

/// "50 or more sagas" if counting stopped at 50.
inline std::string
at_least(std::uint64_t count, bool has_more, std::string_view one, std::string_view many) {
  return has_more ? fmt::format("{} or more {}", count, many) : count_of(count, one, many);
}

/// Milliseconds of an answer as a duration; nothing if absent.
inline std::optional<milliseconds> duration_of(const std::optional<std::uint64_t>& millis) {
  return millis ? std::optional{milliseconds{static_cast<std::int64_t>(*millis)}} : std::nullopt;
}

} // namespace troupe
