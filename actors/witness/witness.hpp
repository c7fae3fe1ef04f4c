#pragma once

#include "runtime/actor/actor.hpp"

namespace troupe::witness {

/// Writes down every event it is given, and misbehaves when the event says so. For tests; not in
/// what is shipped.
class witness_actor final : public actor {
public:
  explicit witness_actor(const context& context);
};

} // namespace troupe::witness
