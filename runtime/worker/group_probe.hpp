#pragma once

#include "runtime/saga/coordinators.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace troupe {

/// What a runner says when the socket loop asks how its group is.
struct group_probe {
  /// How long a read of the database took; nothing where there is none.
  std::optional<std::chrono::nanoseconds> database{};
  /// Why it could not be read; empty if it could.
  std::string database_trouble{};
  /// Nothing if the group's actors coordinate no sagas.
  std::optional<saga::standing> sagas{};
  /// Of all processes over the database.
  std::uint64_t sagas_parked = 0;
};

} // namespace troupe
