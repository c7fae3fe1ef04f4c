#include "runtime/http/stream_channel.hpp"

#include <utility>

namespace troupe::http {

stream_channel::stream_channel(
    body_framing framing,
    std::size_t bytes_max,
    std::function<void()> wake,
    stream_listener listener)
    : framing_{framing}, bytes_max_{bytes_max}, wake_{std::move(wake)}, listener_{
                                                                            std::move(listener)} {
}

void stream_channel::append(std::string_view part) {
  if (part.empty()) {
    return; // An empty chunk would end the body.
  }
  waiting_ += framing_ == body_framing::chunked ? chunk_of(part) : std::string{part};
}

bool stream_channel::wants_wake() {
  return !std::exchange(is_awake_, true);
}

written stream_channel::write(std::string_view part) {
  bool wakes = false;
  {
    const std::lock_guard lock{mutex_};
    if (has_ended_ || is_finished_) {
      return written::gone;
    }
    // A part larger than the whole buffer is accepted when the buffer is empty; otherwise it could
    // never be sent.
    const std::size_t before = waiting_.size() + in_hand_;
    is_full_ = is_full_ || (before != 0 && before + part.size() > bytes_max_);
    if (is_full_) {
      return written::full;
    }
    append(part);
    wakes = wants_wake();
  }
  if (wakes) {
    wake_();
  }
  return written::queued;
}

void stream_channel::finish(std::string_view last) {
  {
    const std::lock_guard lock{mutex_};
    if (has_ended_ || is_finished_) {
      return;
    }
    append(last);
    if (framing_ == body_framing::chunked) {
      waiting_ += last_chunk;
    }
    is_finished_ = true;
    if (!wants_wake()) {
      return;
    }
  }
  wake_();
}

void stream_channel::abandon() {
  {
    const std::lock_guard lock{mutex_};
    is_abandoned_ = !is_finished_;
    if (has_ended_ || is_finished_ || !wants_wake()) {
      return;
    }
  }
  wake_();
}

stream_channel::step stream_channel::take() {
  step next;
  bool has_room_again = false;
  {
    const std::lock_guard lock{mutex_};
    is_awake_ = false;
    // The write deadline applies to each piece, so split large parts to give them more time.
    std::string rest =
        waiting_.size() > 2 * bytes_max_ ? waiting_.substr(bytes_max_) : std::string{};
    waiting_.resize(waiting_.size() - rest.size());
    next.bytes = std::exchange(waiting_, std::move(rest));
    next.is_finished = is_finished_ && waiting_.empty();
    next.is_abandoned = is_abandoned_;
    in_hand_ = next.bytes.size();
    has_room_again = is_full_ && waiting_.size() + in_hand_ <= bytes_max_ / 2;
    is_full_ = is_full_ && !has_room_again;
  }
  if (has_room_again && listener_.room && !next.is_finished) {
    listener_.room();
  }
  return next;
}

void stream_channel::end() {
  {
    const std::lock_guard lock{mutex_};
    if (std::exchange(has_ended_, true) || is_finished_) {
      return;
    }
    waiting_.clear();
  }
  if (listener_.gone) {
    listener_.gone();
  }
}

} // namespace troupe::http
