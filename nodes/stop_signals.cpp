#include "nodes/stop_signals.hpp"

#include <ctime>
#include <pthread.h>

namespace troupe {

namespace {

/// The signal received; 0 or less if none was.
int signal_within(const sigset_t& signals, std::chrono::milliseconds patience) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(patience);
  const timespec time{
      static_cast<time_t>(seconds.count()),
      static_cast<long>(std::chrono::nanoseconds{patience - seconds}.count())};
  return ::sigtimedwait(&signals, nullptr, &time);
}

} // namespace

sigset_t block_stop_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  // Tools that rotate logs or reload services send SIGHUP to all, so it must not end the process.
  (void)std::signal(SIGHUP, SIG_IGN);
  (void)::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

void block_also(sigset_t& signals, int signal) {
  // An ignored signal is not delivered to a waiting thread.
  (void)std::signal(signal, SIG_DFL);
  ::sigaddset(&signals, signal);
  (void)::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

int await_signal(const sigset_t& signals, const std::function<void()>& meanwhile) {
  using namespace std::chrono_literals;
  for (;;) {
    if (const int signal = signal_within(signals, 5s); signal > 0) {
      return signal;
    }
    meanwhile();
  }
}

int await_signal(
    const sigset_t& signals, const std::stop_token& stop, const std::function<void()>& meanwhile) {
  using namespace std::chrono_literals;
  while (!stop.stop_requested()) {
    // The longest delay until a stop from inside is noticed.
    if (const int signal = signal_within(signals, 200ms); signal > 0) {
      return signal;
    }
    meanwhile();
  }
  return 0;
}

bool await_stop_signal(const sigset_t& signals, const std::stop_token& stop) {
  return await_signal(signals, stop) != 0;
}

bool stop_signal_comes(const sigset_t& signals, std::chrono::milliseconds patience) {
  return signal_within(signals, patience) > 0;
}

} // namespace troupe
