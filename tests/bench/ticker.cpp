#include "tests/bench/ticker.hpp"

#include <cerrno>
#include <sys/timerfd.h>
#include <system_error>
#include <unistd.h>

namespace troupe::bench {

ticker::ticker(std::chrono::nanoseconds interval)
    : timer_{::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)} {
  const timespec every{interval.count() / 1'000'000'000, interval.count() % 1'000'000'000};
  const itimerspec ticks{every, every};
  if (timer_ < 0 || ::timerfd_settime(timer_, 0, &ticks, nullptr) != 0) {
    throw std::system_error{errno, std::generic_category(), "timer"};
  }
}

ticker::~ticker() {
  ::close(timer_);
}

void ticker::wait() {
  while (unheard_ == 0) {
    if (::read(timer_, &unheard_, sizeof unheard_) < 0 && errno != EINTR) {
      throw std::system_error{errno, std::generic_category(), "timer"};
    }
  }
  --unheard_;
}

} // namespace troupe::bench
