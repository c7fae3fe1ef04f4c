#include "examples/shop/stop_wish.hpp"

#include <csignal>
#include <ctime>
#include <pthread.h>

namespace troupe::shop {

namespace {

sigset_t stop_signal() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  return signals;
}

} // namespace

stop_wish::stop_wish() {
  const sigset_t signals = stop_signal();
  (void)::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

bool stop_wish::has_come() {
  const sigset_t signals = stop_signal();
  const timespec at_once{};
  has_come_ = has_come_ || ::sigtimedwait(&signals, nullptr, &at_once) > 0;
  return has_come_;
}

} // namespace troupe::shop
