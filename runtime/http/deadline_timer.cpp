#include "runtime/http/deadline_timer.hpp"

#include <boost/system/error_code.hpp>

namespace troupe::http {

void deadline_timer::set(milliseconds time) {
  deadline_ = std::chrono::steady_clock::now() + time;
  if (deadline_ < armed_for_) {
    arm();
  }
}

void deadline_timer::end() {
  clear();
  late_ = {};
  armed_for_ = instant::max();
  timer_.cancel();
}

void deadline_timer::arm() {
  armed_for_ = deadline_;
  timer_.expires_at(deadline_);
  timer_.async_wait([self = shared_from_this()](boost::system::error_code why) {
    if (!why) {
      self->fire();
    }
  });
}

void deadline_timer::fire() {
  armed_for_ = instant::max();
  if (deadline_ == instant::max()) {
    return;
  }
  if (std::chrono::steady_clock::now() < deadline_) {
    arm();
    return;
  }
  clear();
  if (late_) {
    late_();
  }
}

} // namespace troupe::http
