#include "nodes/commands/top/outage.hpp"

#include "nodes/text_table.hpp"
#include "runtime/time_text.hpp"

#include <fmt/format.h>

namespace troupe {

namespace {

/// "12:03:04 UTC".
std::string time_of_day(wall_time at) {
  return utc_time_text(at).substr(11, 8) + " UTC";
}

} // namespace

std::string outage::note(system_health verdict, wall_time now) {
  if (verdict == system_health::unreachable) {
    since_ = since_.value_or(now);
    back_at_.reset();
    return fmt::format(
        "no broker answers since {}; asked again every second", time_of_day(*since_));
  }
  if (since_) {
    lasted_ = std::chrono::duration_cast<milliseconds>(now - *since_);
    since_.reset();
    back_at_ = now;
  }
  if (!back_at_ || now - *back_at_ >= told_for) {
    return "";
  }
  return fmt::format(
      "a broker answers again since {}, after {}", time_of_day(*back_at_), age_text(lasted_));
}

} // namespace troupe
