#pragma once

#include "runtime/ids.hpp"
#include "runtime/wire/message.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// `sagas` of a capability that runs sagas: the kept sagas, in the order of their ids, for
/// reconciliation. 1 to 10,000 at once.
struct list_sagas {
  /// The saga after which the answer begins.
  std::optional<uuid> after{};
  std::int64_t count = 1'000;
};

TROUPE_MESSAGE(list_sagas, after, count)

struct listed_saga {
  /// The id of the call that started it.
  uuid saga_id;
  std::string operation;
  /// "forward", "undoing", "parked", "completed" or "compensated".
  std::string state;
  /// The deadline that it was started with, in milliseconds since 1970, by which it should be over.
  std::int64_t due_at = 0;
};

TROUPE_MESSAGE(listed_saga, saga_id, operation, state, due_at)

/// The sagas; empty after the last one.
struct listed_sagas {
  std::vector<listed_saga> sagas;
};

TROUPE_MESSAGE(listed_sagas, sagas)

} // namespace troupe
