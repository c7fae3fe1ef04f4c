#pragma once

#include "runtime/broker/calls/held_calls.hpp"

#include <array>
#include <vector>

namespace troupe::broker {

/// Knows whose time is up, to 10 ms: a hashed timing wheel whose links are in the calls.
///
/// Setting and cancelling cost a few nanoseconds, however many calls wait. What lies more than one
/// turn of the wheel (41 s) ahead is looked at once per turn.
/// @source Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", scheme 6.
class deadline_wheel {
public:
  static constexpr milliseconds tick{10};

  explicit deadline_wheel(held_calls& calls);

  /// Sets or moves the time at which `index` is reported; never before `when`, and at the first
  /// `collect` one tick or more after it.
  void set(std::uint32_t index, instant when);
  void cancel(std::uint32_t index);

  /// Takes out, and appends to `due`, all whose time is up.
  void collect(instant now, std::vector<std::uint32_t>& due);

  std::size_t size() const { return size_; }

private:
  static constexpr std::uint32_t places = 4096;

  void collect_place(std::uint32_t place, std::vector<std::uint32_t>& due);

  held_calls& calls_;
  std::array<std::uint32_t, places> heads_{};
  /// The last tick that was collected.
  std::uint64_t done_ = 0;
  bool started_ = false;
  std::size_t size_ = 0;
};

} // namespace troupe::broker
