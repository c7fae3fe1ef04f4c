#pragma once

#include "runtime/actor/actor.hpp"
#include "runtime/saga/coordinators.hpp"

#include <vector>

namespace troupe {

/// The reply to the caller that answered a waiting step of a saga: the saga that took the answer.
struct answer_taken {
  uuid saga;
};

TROUPE_MESSAGE(answer_taken, saga)

/// The actor of a capability that only coordinates sagas: each operation starts a saga, whose end
/// answers the call; or undoes one; or answers a waiting step, as the events that it handles do.
/// `sagas` lists the sagas (saga_list.hpp).
class saga_actor final : public actor {
public:
  explicit saga_actor(std::vector<saga::plan> plans);

  saga::coordinators* sagas() override { return &sagas_; }

private:
  void hear(const saga::definition& of, const saga::step& waits);

  saga::coordinators sagas_;
};

} // namespace troupe
