#pragma once

#include <atomic>
#include <chrono>

namespace troupe {

/// A point on the monotonic clock of this machine. Never compared across machines.
using instant = std::chrono::steady_clock::time_point;

/// A point of calendar time, for ids, logs and retention. Never for timeouts: this clock may be
/// set.
using wall_time = std::chrono::system_clock::time_point;

using std::chrono::milliseconds;

/// The source of time. `main()` makes a system_clock; tests advance a manual_clock.
class clock {
public:
  clock() = default;
  clock(const clock&) = delete;
  clock& operator=(const clock&) = delete;
  virtual ~clock() = default;

  virtual instant now() const = 0;
  virtual wall_time wall() const = 0;
};

class system_clock final : public clock {
public:
  instant now() const override { return std::chrono::steady_clock::now(); }

  wall_time wall() const override { return std::chrono::system_clock::now(); }
};

/// A clock that moves only when told to, by one thread. For tests and simulations.
class manual_clock final : public clock {
public:
  instant now() const override { return instant{std::chrono::hours{1}} + moved_.load(); }

  wall_time wall() const override {
    return wall_time{std::chrono::hours{24 * 365 * 55}}
           + std::chrono::duration_cast<wall_time::duration>(moved_.load());
  }

  void advance(std::chrono::nanoseconds by) { moved_ = moved_.load() + by; }

private:
  std::atomic<std::chrono::nanoseconds> moved_{std::chrono::nanoseconds{0}};
};

} // namespace troupe
