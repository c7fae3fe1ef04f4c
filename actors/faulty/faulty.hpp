#pragma once

#include "runtime/actor/actor.hpp"

namespace troupe::faulty {

/// Throws, hangs or ends its process on demand. For tests; in test builds only.
class faulty_actor final : public actor {
public:
  explicit faulty_actor(const context& context);
};

} // namespace troupe::faulty
