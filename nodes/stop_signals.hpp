#pragma once

#include <chrono>
#include <csignal>
#include <functional>
#include <stop_token>

namespace troupe {

/// Blocks SIGTERM and SIGINT for this thread and all threads it starts, so that only
/// `await_stop_signal` receives them and calls of libzmq and SQLite are not interrupted. SIGHUP is
/// ignored.
sigset_t block_stop_signals();

/// Blocks one more signal in the same way.
void block_also(sigset_t& signals, int signal);

/// Waits for one of `signals` and returns it. Calls `meanwhile` every five seconds.
int await_signal(const sigset_t& signals, const std::function<void()>& meanwhile);

/// Waits for one of `signals` and returns it; 0 if `stop` was requested first. Calls `meanwhile`
/// five times a second.
int await_signal(
    const sigset_t& signals,
    const std::stop_token& stop,
    const std::function<void()>& meanwhile = [] {});

/// Waits for one of `signals`. False if `stop` was requested first.
bool await_stop_signal(const sigset_t& signals, const std::stop_token& stop);

/// Waits for one of `signals`, at most `patience`. False if none came.
bool stop_signal_comes(const sigset_t& signals, std::chrono::milliseconds patience);

} // namespace troupe
