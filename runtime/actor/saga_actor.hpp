#pragma once

#include "runtime/actor/actor.hpp"
#include "runtime/saga/coordinators.hpp"

#include <vector>

namespace troupe {

/// The actor of a capability that only coordinates sagas: each operation starts a saga, whose end
/// answers the call.
class saga_actor final : public actor {
public:
  explicit saga_actor(std::vector<saga::plan> plans);

  saga::coordinators* sagas() override { return &sagas_; }

private:
  saga::coordinators sagas_;
};

} // namespace troupe
