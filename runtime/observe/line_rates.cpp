#include "runtime/observe/line_rates.hpp"

#include <algorithm>

namespace troupe::observe {

void line_rates::fill(bucket& one, instant now) {
  const std::chrono::duration<double> passed = now - one.filled_at;
  one.room = std::min(at_once, one.room + std::max(passed.count(), 0.0) * per_second);
  one.filled_at = now;
}

bool line_rates::takes(std::string_view event, instant now) {
  auto found = buckets_.find(event);
  if (found == buckets_.end()) {
    found = buckets_.emplace(std::string{event}, bucket{.filled_at = now}).first;
  }
  bucket& one = found->second;
  fill(one, now);
  if (one.room < 1) {
    one.left_out_since = one.left_out == 0 ? now : one.left_out_since;
    ++one.left_out;
    ++all_left_out_;
    return false;
  }
  one.room -= 1;
  return true;
}

line_rates::left_out_lines line_rates::take_left_out(instant now, bool is_end) {
  left_out_lines told;
  if (all_left_out_ == 0) {
    return told;
  }
  for (auto& [event, one] : buckets_) {
    fill(one, now);
    if (one.left_out > 0
        && (is_end || one.room >= per_second || now - one.left_out_since >= told_every)) {
      told.emplace_back(event, one.left_out);
      all_left_out_ -= one.left_out;
      one.left_out = 0;
    }
  }
  return told;
}

} // namespace troupe::observe
