#include "runtime/client/link_health.hpp"

#include <fmt/format.h>

namespace troupe::client {

void link_health::down(const std::string& broker, std::string_view why) {
  count_.fetch_sub(1, std::memory_order_relaxed);
  failed(broker, why);
}

void link_health::failed(const std::string& broker, std::string_view why) {
  const std::lock_guard lock{mutex_};
  trouble_ = fmt::format("{}: {}", broker, why);
}

std::string link_health::last_trouble() const {
  const std::lock_guard lock{mutex_};
  return trouble_;
}

} // namespace troupe::client
