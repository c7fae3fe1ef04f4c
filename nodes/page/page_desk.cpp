#include "nodes/page/page_desk.hpp"

#include "runtime/quiet_thread.hpp"

#include <chrono>
#include <optional>
#include <utility>

namespace troupe {

namespace {

/// Links are closed if nobody has looked for this long.
constexpr std::chrono::seconds links_kept{10};

} // namespace

page_desk::page_desk(std::function<system_links()> open)
    : open_{std::move(open)}, thread_{quiet_thread([this] { work(); })} {
}

page_desk::~page_desk() {
  {
    const std::lock_guard lock{mutex_};
    is_over_ = true;
  }
  news_.notify_one();
  thread_.join();
}

bool page_desk::add(job one) {
  {
    const std::lock_guard lock{mutex_};
    if (jobs_.size() >= waiting_max) {
      return false;
    }
    jobs_.push_back(std::move(one));
  }
  news_.notify_one();
  return true;
}

void page_desk::work() {
  std::optional<system_links> links;
  const auto has_news = [this] { return is_over_ || !jobs_.empty(); };
  std::unique_lock lock{mutex_};
  while (!is_over_) {
    if (!links) {
      news_.wait(lock, has_news);
    } else if (!news_.wait_for(lock, links_kept, has_news)) {
      lock.unlock();
      links.reset();
      lock.lock();
      continue;
    }
    if (is_over_ || jobs_.empty()) {
      continue;
    }
    {
      const job one = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      if (!links) {
        links.emplace(open_());
      }
      one(*links);
    }
    lock.lock();
  }
}

} // namespace troupe
