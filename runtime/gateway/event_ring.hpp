#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace troupe::gateway {

/// The newest events of some topics, as text, without a gap: those after `base` up to `head`.
class event_ring {
public:
  struct event {
    std::uint64_t position;
    std::string text;
  };

  explicit event_ring(std::size_t bytes_max) : bytes_max_{bytes_max} {}

  /// Forgets all, and goes on after `position`.
  void restart(std::uint64_t position) {
    events_.clear();
    bytes_ = 0;
    base_ = position;
    head_ = position;
  }

  /// Adds the event after `head`, which becomes the new `head`. The oldest ones are forgotten when
  /// room is needed.
  void append(std::vector<event> more, std::uint64_t head) {
    for (event& each : more) {
      bytes_ += each.text.size();
      events_.push_back(std::move(each));
    }
    head_ = head;
    while (bytes_ > bytes_max_) {
      base_ = events_.front().position;
      bytes_ -= events_.front().text.size();
      events_.pop_front();
    }
  }

  /// The position after which nothing is missing.
  std::uint64_t base() const { return base_; }

  std::uint64_t head() const { return head_; }

  /// The first event after `position`, or null.
  const event* after(std::uint64_t position) const;

private:
  const std::size_t bytes_max_;
  std::deque<event> events_;
  std::size_t bytes_ = 0;
  std::uint64_t base_ = 0;
  std::uint64_t head_ = 0;
};

} // namespace troupe::gateway
