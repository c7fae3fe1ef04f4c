#pragma once

#include "nodes/commands/status/system_view.hpp"
#include "runtime/clock.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// Something that is wrong or needs attention, in words.
struct trouble {
  enum class weight : std::uint8_t {
    /// The system does not do all of its work.
    wrong,
    /// It works, but something in it waits for a person's decision.
    waiting,
  };

  weight is = weight::wrong;
  std::string what;
  /// How long it has lasted, if known.
  std::optional<milliseconds> lasted{};
  /// The reason, in the words of the component that reported it; may be empty.
  std::string why{};
  /// Advice what to do; may be empty.
  std::string next{};
};

enum class system_health : std::uint8_t { healthy, degraded, unreachable };

std::string_view name_of(system_health how);

/// Everything that is wrong or waiting, worst first. Pure.
std::vector<trouble> troubles_of(const system_view& all);

/// `unreachable` if no broker answers, `degraded` if anything is wrong.
system_health verdict_on(const system_view& all, const std::vector<trouble>& found);

/// "shop is degraded: 2 things are wrong, 1 waits for a person".
std::string headline(const system_view& all, const std::vector<trouble>& found);

} // namespace troupe
