#include "runtime/supervision/outcome_window.hpp"

namespace troupe::supervision {

void outcome_window::add(bool failed, bool slow, instant now) {
  if (now >= part_end_) {
    move_to(now);
  }
  auto& part = counts_[filling_];
  ++part.calls;
  part.failures += failed ? 1U : 0U;
  part.slow += slow ? 1U : 0U;
  ++sum_.calls;
  sum_.failures += failed ? 1U : 0U;
  sum_.slow += slow ? 1U : 0U;
}

const outcome_counts& outcome_window::counts(instant now) {
  if (now >= part_end_) {
    move_to(now);
  }
  return sum_;
}

void outcome_window::clear(instant now) {
  counts_.fill({});
  sum_ = {};
  filling_ = 0;
  part_end_ = now + part_;
}

void outcome_window::move_to(instant now) {
  const auto passed = (now - part_end_) / part_ + 1;
  if (passed >= static_cast<instant::rep>(parts)) {
    clear(now);
    return;
  }
  for (instant::rep i = 0; i < passed; ++i) {
    filling_ = (filling_ + 1) % parts;
    auto& leaving = counts_[filling_];
    sum_.calls -= leaving.calls;
    sum_.failures -= leaving.failures;
    sum_.slow -= leaving.slow;
    leaving = {};
    part_end_ += part_;
  }
}

} // namespace troupe::supervision
