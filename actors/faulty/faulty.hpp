#pragma once

#include "runtime/actor/actor.hpp"

namespace troupe::faulty {

/// Throws, hangs or ends its process when asked to. For tests; not in what is shipped.
class faulty_actor final : public actor {
public:
  explicit faulty_actor(const context& context);
};

} // namespace troupe::faulty
