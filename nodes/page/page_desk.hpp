#pragma once

#include "nodes/system_links.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace troupe {

/// Asks a system what somebody at its page wants to know, one question after the other, on a thread
/// of its own. The links are there only while somebody asks.
class page_desk {
public:
  /// Questions that may wait; a person asks few.
  static constexpr std::size_t waiting_max = 64;

  using job = std::function<void(system_links&)>;

  /// @param open makes the links, on the desk's thread.
  explicit page_desk(std::function<system_links()> open);
  /// Finishes the question in hand and forgets the others.
  ~page_desk();
  page_desk(const page_desk&) = delete;
  page_desk& operator=(const page_desk&) = delete;

  /// Has `one` done soon. From any thread. @return false if too many wait.
  bool add(job one);

private:
  void work();

  const std::function<system_links()> open_;
  std::mutex mutex_;
  std::condition_variable news_;
  std::deque<job> jobs_;
  bool is_over_ = false;
  std::thread thread_;
};

} // namespace troupe
