#include "runtime/supervision/known_causes.hpp"

namespace troupe::supervision {

bool known_causes::note(const std::optional<uuid>& message) {
  if (!message) {
    return false;
  }
  if (!known_.insert(*message).second) {
    return true;
  }
  oldest_.push_back(*message);
  if (oldest_.size() > kept_max) {
    known_.erase(oldest_.front());
    oldest_.pop_front();
  }
  return false;
}

} // namespace troupe::supervision
