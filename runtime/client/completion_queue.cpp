#include "runtime/client/completion_queue.hpp"

#include <iterator>

namespace troupe::client {

void completion_queue::push(std::vector<completion>& done) {
  bool is_awaited = false;
  bool is_news = false;
  {
    const std::lock_guard lock{mutex_};
    is_news = queued_.empty();
    if (is_news) {
      queued_.swap(done);
    } else {
      queued_.insert(
          queued_.end(),
          std::make_move_iterator(done.begin()),
          std::make_move_iterator(done.end()));
      done.clear();
    }
    is_awaited = waiting_ > 0;
  }
  if (is_awaited) {
    filled_.notify_one();
  }
  if (is_news && news_) {
    news_();
  }
}

void completion_queue::answer(waiting_thread& waiting, outcome<reply_body>&& answer) {
  // Notify under the lock: after unlocking, the waiter may be destroyed.
  const std::lock_guard lock{mutex_};
  waiting.answer = std::move(answer);
  waiting.ended.notify_one();
}

void completion_queue::close() {
  const std::lock_guard lock{mutex_};
  is_closed_ = true;
  filled_.notify_all();
}

std::size_t completion_queue::take(std::vector<completion>& into, milliseconds patience) {
  into.clear(); // Frames are freed here, outside the lock.
  std::unique_lock lock{mutex_};
  if (queued_.empty() && patience > milliseconds::zero()) {
    ++waiting_;
    filled_.wait_for(lock, patience, [&] { return !queued_.empty() || is_closed_; });
    --waiting_;
  }
  into.swap(queued_);
  return into.size();
}

outcome<reply_body> completion_queue::wait(waiting_thread& waiting) {
  std::unique_lock lock{mutex_};
  waiting.ended.wait(lock, [&] { return waiting.answer.has_value(); });
  return std::move(*waiting.answer);
}

} // namespace troupe::client
