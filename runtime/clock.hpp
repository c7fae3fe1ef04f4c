#pragma once

#include <chrono>

namespace troupe {

/// A point on the monotonic clock of this machine. Never compared across machines.
using instant = std::chrono::steady_clock::time_point;

/// A point of civil time, for ids, logs and retention; never for timeouts.
using wall_time = std::chrono::system_clock::time_point;

using std::chrono::milliseconds;

/// Where time comes from. main() makes the real one and hands it down; tests advance their own.
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

/// A clock that stands still until it is told to move. For tests and simulations.
class manual_clock final : public clock {
public:
  instant now() const override { return now_; }

  wall_time wall() const override { return wall_; }

  void advance(std::chrono::nanoseconds by) {
    now_ += std::chrono::duration_cast<instant::duration>(by);
    wall_ += std::chrono::duration_cast<wall_time::duration>(by);
  }

private:
  instant now_{std::chrono::hours{1}};
  wall_time wall_{std::chrono::hours{24 * 365 * 55}};
};

} // namespace troupe
