#pragma once

#include "runtime/error.hpp"

#include <atomic>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::client {

/// The reason why a link failed last.
struct link_trouble {
  /// "tcp://...: reason"; empty if none has failed.
  std::string text;
  /// The code with which a broker refused the login, as `name_of` writes it; empty if none
  /// answered.
  std::string refusal;
};

/// The links of a client: which are up, and why the last failed one did. The loop's thread
/// writes; the other functions may be called from any thread.
class link_health {
public:
  explicit link_health(std::size_t links) : is_up_(links), body_bytes_max_(links) {}

  /// @param body_bytes_max the largest body that the link's broker accepts.
  void up(int link, std::size_t body_bytes_max) {
    body_bytes_max_[static_cast<std::size_t>(link)] = body_bytes_max;
    is_up_[static_cast<std::size_t>(link)].store(true, std::memory_order_relaxed);
  }

  /// The largest body that the link's broker accepts. The loop's thread; the link has been up.
  std::size_t body_bytes_max(int link) const {
    return body_bytes_max_[static_cast<std::size_t>(link)];
  }

  void down(int link, const std::string& broker, std::string_view why);
  /// Notes a link that could not be established.
  void refused(const std::string& broker, const error& why);

  std::vector<bool> up() const { return {is_up_.begin(), is_up_.end()}; }

  int count() const;

  link_trouble last_trouble() const;

private:
  std::vector<std::atomic<bool>> is_up_;
  std::vector<std::size_t> body_bytes_max_;
  mutable std::mutex mutex_;
  link_trouble trouble_;
};

} // namespace troupe::client
