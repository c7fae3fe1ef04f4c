#pragma once

#include "runtime/clock.hpp"

#include <algorithm>
#include <cstdint>

namespace troupe::gateway {

/// The rate of requests that a client may send: `requests` within each `within`, and up to `burst`
/// at once.
struct rate {
  std::int64_t requests = 100;
  milliseconds within{1'000};
  std::int64_t burst = 200;
};

/// The allowance of one client under a rate. Pure: one time, the moment at which it is full again.
/// @source ITU-T I.371, the virtual scheduling form of the generic cell rate algorithm.
class token_bucket {
public:
  /// Takes one request's worth. @return zero, or how long to wait before the next try, in which
  /// case nothing was taken.
  instant::duration take(const rate& under, instant now) {
    const instant::duration each = instant::duration{under.within} / under.requests;
    const instant full = std::max(full_at_, now) + each;
    const instant::duration over = full - now - each * under.burst;
    if (over > instant::duration::zero()) {
      return over;
    }
    full_at_ = full;
    return instant::duration::zero();
  }

  /// Whether it is full: it then equals a new one and can be forgotten.
  bool is_full(instant now) const { return full_at_ <= now; }

private:
  instant full_at_{};
};

} // namespace troupe::gateway
