#include "runtime/actor/saga_actor.hpp"

namespace troupe {

saga_actor::saga_actor(std::vector<saga::plan> plans) : sagas_{std::move(plans)} {
}

} // namespace troupe
