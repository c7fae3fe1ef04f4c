#pragma once

#include "runtime/supervision/breaker.hpp"

#include <utility>
#include <vector>

namespace troupe::supervision {

using namespace std::chrono_literals;

/// A breaker under test, its clock and its log.
struct breaker_bench {
  explicit breaker_bench(
      const breaker_options& of, std::uint64_t seed = 1, forced_state stored = {})
      : unit{of, seed, now, std::move(stored)} {}

  admission ask() { return unit.admit(now, log); }

  /// The admission of a call that must be let through.
  admitted call() { return std::get<admitted>(ask()); }

  bool refuses() { return std::holds_alternative<refused>(ask()); }

  void record(call_result result, const admitted& of, std::chrono::nanoseconds took = 1ms) {
    unit.record(result, of, took, now, log);
  }

  void ok(int times = 1) {
    for (int i = 0; i < times; ++i) {
      record(call_result::ok, call());
    }
  }

  void fail(int times = 1) {
    for (int i = 0; i < times; ++i) {
      record(call_result::failed, call());
    }
  }

  void pass(std::chrono::nanoseconds by) {
    now += std::chrono::duration_cast<instant::duration>(by);
    unit.tick(now, log);
  }

  void pass_to_due() {
    now = unit.next_due().value();
    unit.tick(now, log);
  }

  /// How long it will stay open.
  std::chrono::nanoseconds wait() const { return unit.next_due().value() - now; }

  bool is(breaker_state state) const { return unit.state() == state; }

  instant now{1h};
  std::vector<breaker_transition> log;
  breaker unit;
};

inline const breaker_options simple{.threshold = 3, .timeout = 10s, .probe_deadline = 2s};

inline breaker_options with_probes(int probes) {
  auto options = simple;
  options.probes = probes;
  return options;
}

inline breaker_options windowed(breaker_window window = {.minimum_calls = 10}) {
  auto options = simple;
  options.window = window;
  return options;
}

} // namespace troupe::supervision
