#pragma once

#include "runtime/actor/actor.hpp"

namespace troupe::echo {

/// Says back what it is told. Needs no store.
class echo_actor final : public actor {
public:
  explicit echo_actor(const context& context);
};

} // namespace troupe::echo
