#pragma once

#include "runtime/actor/actor.hpp"

namespace troupe::notes {

/// Stores short texts: the smallest capability with a database. A note's id is the id of its call
/// or event.
class notes_actor final : public actor {
public:
  explicit notes_actor(const context& context);
};

} // namespace troupe::notes
