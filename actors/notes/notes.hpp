#pragma once

#include "runtime/actor/actor.hpp"

namespace troupe::notes {

/// Keeps short texts: the smallest capability with a store. A note's id is its call's.
class notes_actor final : public actor {
public:
  explicit notes_actor(const context& context);
};

} // namespace troupe::notes
