#include "runtime/supervision/restart_budget.hpp"

namespace troupe::supervision {

bool restart_budget::spend(instant now) {
  while (!spent_.empty() && spent_.front() < now - window_) {
    spent_.pop_front();
  }
  spent_.push_back(now);
  if (spent_.size() <= restarts_max_) {
    return true;
  }
  spent_.pop_front();
  return false;
}

} // namespace troupe::supervision
