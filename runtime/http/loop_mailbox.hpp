#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <mutex>
#include <utility>

namespace troupe::http {

/// The way to the server's thread, for objects that may outlive it.
class loop_mailbox {
public:
  explicit loop_mailbox(boost::asio::io_context& loop) : loop_{&loop} {}

  /// Runs `task` on the server's thread; drops it if the server has ended. From any thread.
  template <class Task>
  void post(Task task) {
    const std::lock_guard lock{mutex_};
    if (loop_ != nullptr) {
      boost::asio::post(*loop_, std::move(task));
    }
  }

  /// Whether this is the server's thread.
  bool is_here() {
    const std::lock_guard lock{mutex_};
    return loop_ != nullptr && loop_->get_executor().running_in_this_thread();
  }

  /// To be called before the loop ends.
  void close() {
    const std::lock_guard lock{mutex_};
    loop_ = nullptr;
  }

private:
  std::mutex mutex_;
  boost::asio::io_context* loop_;
};

} // namespace troupe::http
