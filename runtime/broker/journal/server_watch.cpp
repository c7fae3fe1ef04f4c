#include "runtime/broker/journal/server_watch.hpp"

#include <utility>

namespace troupe::broker {

namespace {

constexpr milliseconds watch_interval{5'000};

} // namespace

void server_watch::look(lease_table& table, instant now) {
  if (now < next_) {
    return;
  }
  next_ = now + watch_interval;
  std::optional<server_condition> found;
  try {
    found = table.condition();
  } catch (const store::database_error&) { // The next look for the lease says why.
  }
  if (found) {
    if (found->horizon != horizon_) {
      horizon_ = found->horizon;
      horizon_since_ = now;
    }
    found->held = found->holder.empty() ? milliseconds{0}
                                        : std::chrono::floor<milliseconds>(now - horizon_since_);
  }
  const std::lock_guard lock{mutex_};
  last_ = std::move(found);
}

std::optional<server_condition> server_watch::last() const {
  const std::lock_guard lock{mutex_};
  return last_;
}

} // namespace troupe::broker
