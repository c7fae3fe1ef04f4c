#pragma once

#include "nodes/system_links.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace troupe {

/// Makes the requests of the page's users to the system, one after the other, on its own thread.
/// Links are open only while requests come.
class page_desk {
public:
  /// The most requests that may wait; users make few.
  static constexpr std::size_t waiting_max = 64;

  using job = std::function<void(system_links&)>;

  /// @param open creates the links, on the desk's thread.
  explicit page_desk(std::function<system_links()> open);
  /// Finishes the current request and drops the others.
  ~page_desk();
  page_desk(const page_desk&) = delete;
  page_desk& operator=(const page_desk&) = delete;

  /// Queues `one`. From any thread.
  /// @return false if too many wait.
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
