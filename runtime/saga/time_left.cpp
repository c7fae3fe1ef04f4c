#include "runtime/saga/time_left.hpp"

#include <utility>

namespace troupe::saga {

namespace {

// Longer than clocks stay wrong after a machine starts, and short compared with what people wait
// for.
constexpr milliseconds doubt_time{60'000};

} // namespace

std::optional<milliseconds> look_again(time_left& of, wall_time due, const moment& now) {
  if (of.most <= milliseconds{0} || due <= now.settled) {
    return std::nullopt;
  }
  const bool is_over_by_wall = due <= now.wall;
  if (std::exchange(of.is_doubted, is_over_by_wall) && is_over_by_wall) {
    return std::nullopt;
  }
  const auto until = std::chrono::ceil<milliseconds>(due - now.latest());
  const milliseconds next = std::min(of.most, is_over_by_wall ? doubt_time : until);
  of.most -= next;
  return next;
}

} // namespace troupe::saga
