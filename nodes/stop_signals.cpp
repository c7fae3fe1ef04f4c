#include "nodes/stop_signals.hpp"

#include <ctime>
#include <pthread.h>

namespace troupe {

sigset_t block_stop_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  (void)::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

bool await_stop_signal(const sigset_t& signals, const std::stop_token& stop) {
  constexpr timespec patience{0, 200'000'000}; // How late a stop from inside may be noticed.
  while (!stop.stop_requested()) {
    if (::sigtimedwait(&signals, nullptr, &patience) > 0) {
      return true;
    }
  }
  return false;
}

} // namespace troupe
