#include "runtime/client/link_health.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::client {

int link_health::count() const {
  const auto links = up();
  return static_cast<int>(std::ranges::count(links, true));
}

void link_health::down(int link, const std::string& broker, std::string_view why) {
  is_up_[static_cast<std::size_t>(link)].store(false, std::memory_order_relaxed);
  const std::lock_guard lock{mutex_};
  trouble_ = {fmt::format("{}: {}", broker, why), ""};
}

void link_health::refused(const std::string& broker, const error& why) {
  const std::lock_guard lock{mutex_};
  trouble_ = {
      fmt::format("{}: {}", broker, why.message),
      why.code == errc::unavailable ? "" : std::string{name_of(why.code)}};
}

link_trouble link_health::last_trouble() const {
  const std::lock_guard lock{mutex_};
  return trouble_;
}

} // namespace troupe::client
