#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <string_view>

namespace troupe::client {

/// How many links of a client are up, and why the last one that failed did. The loop's
/// thread writes; `count` and `last_trouble` may be asked from any thread.
class link_health {
public:
  void up() { count_.fetch_add(1, std::memory_order_relaxed); }

  void down(const std::string& broker, std::string_view why);
  /// A link that did not come up.
  void failed(const std::string& broker, std::string_view why);

  int count() const { return count_.load(std::memory_order_relaxed); }

  std::string last_trouble() const;

private:
  std::atomic<int> count_{0};
  mutable std::mutex mutex_;
  std::string trouble_;
};

} // namespace troupe::client
