#include "runtime/store/turn/known_ids.hpp"

#include <algorithm>
#include <utility>

namespace troupe::store {

void known_ids::start_over(const uuid& newest) {
  floor_ = newest;
  young_ = {};
  old_ = {};
}

void known_ids::add(const uuid& id) {
  if (young_.ids.size() == ids_max / 2) {
    floor_ = std::max(floor_, old_.newest);
    old_ = std::exchange(young_, {});
  }
  young_.ids.insert(id);
  young_.newest = std::max(young_.newest, id);
}

} // namespace troupe::store
