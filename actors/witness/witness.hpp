#pragma once

#include "runtime/actor/actor.hpp"

namespace troupe::witness {

/// Records every event that it handles, and misbehaves when the event says so. For tests; in test
/// builds only.
class witness_actor final : public actor {
public:
  explicit witness_actor(const context& context);
};

} // namespace troupe::witness
