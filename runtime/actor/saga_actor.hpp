#pragma once

#include "runtime/actor/actor.hpp"
#include "runtime/saga/coordinators.hpp"

#include <vector>

namespace troupe {

/// The actor of a capability that is nothing but sagas: each operation starts one, and the call is
/// answered when it ends.
class saga_actor final : public actor {
public:
  explicit saga_actor(std::vector<saga::plan> plans);

  saga::coordinators* sagas() override { return &sagas_; }

private:
  saga::coordinators sagas_;
};

} // namespace troupe
