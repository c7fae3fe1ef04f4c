#pragma once

#include "runtime/clock.hpp"

#include <atomic>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::client {

/// Which links of a client are up, since when, and why the last one that failed did. The loop's
/// thread writes; `count` and `last_trouble` may be asked from any thread.
class link_health {
public:
  explicit link_health(std::size_t links) : up_since_(links) {}

  void up(int link, instant now);
  void down(const std::string& broker, std::string_view why);
  /// A link that did not come up.
  void failed(const std::string& broker, std::string_view why);

  instant up_since(int link) const { return up_since_[static_cast<std::size_t>(link)]; }

  int count() const { return count_.load(std::memory_order_relaxed); }

  std::string last_trouble() const;

private:
  std::vector<instant> up_since_;
  std::atomic<int> count_{0};
  mutable std::mutex mutex_;
  std::string trouble_;
};

} // namespace troupe::client
