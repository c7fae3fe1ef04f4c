#pragma once

#include "runtime/actor/actor.hpp"

namespace troupe::echo {

/// Returns the request as its reply. Needs no database.
class echo_actor final : public actor {
public:
  explicit echo_actor(const context& context);
};

} // namespace troupe::echo
