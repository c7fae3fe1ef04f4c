#pragma once

#include <csignal>
#include <pthread.h>
#include <thread>
#include <utility>

namespace troupe {

/// Starts a thread with every signal blocked: signals are for the program's own threads, which wait
/// for them.
template <class Work>
std::thread quiet_thread(Work work) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    std::thread made{std::move(work)};
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return made;
  } catch (...) { // There is no room for a thread: the caller goes on hearing its signals.
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
}

} // namespace troupe
