#pragma once

#include "runtime/actor/actor.hpp"

namespace troupe::echo {

/// Answers with the request. Needs no database.
class echo_actor final : public actor {
public:
  explicit echo_actor(const context& context);
};

} // namespace troupe::echo
