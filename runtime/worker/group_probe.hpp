#pragma once

#include "runtime/saga/coordinators.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace troupe {

/// The answer of a runner to the socket loop's question about the state of its group.
struct group_probe {
  /// The time that a read of the database took; nothing if there is none.
  std::optional<std::chrono::nanoseconds> database{};
  /// The reason why it could not be read; empty if it could.
  std::string database_trouble{};
  /// Nothing if the group's actors coordinate no sagas.
  std::optional<saga::standing> sagas{};
  /// The parked sagas of all processes over the database.
  std::uint64_t sagas_parked = 0;
};

} // namespace troupe
