#include "runtime/observe/line_rates.hpp"

#include "runtime/contains.hpp"

#include <algorithm>
#include <array>

namespace troupe::observe {

namespace {

constexpr auto audit_events =
    std::to_array<std::string_view>({"access_refused", "page.order_given", "page.ordered"});

// A peer may have invented the name, so its length is limited.
constexpr std::size_t capability_bytes_max = 256;

} // namespace

void line_rates::fill(bucket& one, instant now) {
  const std::chrono::duration<double> passed = now - one.filled_at;
  one.room = std::min(at_once, one.room + std::max(passed.count(), 0.0) * per_second);
  one.filled_at = now;
}

line_rates::bucket&
line_rates::bucket_of(std::string_view event, std::string_view capability, instant now) {
  auto of_event = buckets_.find(event);
  if (of_event == buckets_.end()) {
    of_event = buckets_.emplace(std::string{event}, buckets_of_event{}).first;
  }
  buckets_of_event& all = of_event->second;
  capability = capability.substr(0, capability_bytes_max);
  auto found = all.find(capability);
  if (found == all.end() && !capability.empty() && pairs_ == pairs_max) {
    capability = {};
    found = all.find(capability);
  }
  if (found == all.end()) {
    pairs_ += capability.empty() ? 0U : 1U;
    found = all.emplace(std::string{capability}, bucket{.filled_at = now}).first;
  }
  return found->second;
}

bool line_rates::takes(std::string_view event, std::string_view capability, instant now) {
  if (contains(audit_events, event)) {
    return true;
  }
  bucket& one = bucket_of(event, capability, now);
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
  if (all_left_out_ == 0 || (!is_end && now - looked_at_ < looked_every)) {
    return told;
  }
  looked_at_ = now;
  for (auto& [event, of_event] : buckets_) {
    for (auto& [capability, one] : of_event) {
      fill(one, now);
      if (one.left_out > 0
          && (is_end || one.room >= per_second || now - one.left_out_since >= told_every)) {
        told.push_back({event, capability, one.left_out});
        all_left_out_ -= one.left_out;
        one.left_out = 0;
      }
    }
  }
  return told;
}

} // namespace troupe::observe
