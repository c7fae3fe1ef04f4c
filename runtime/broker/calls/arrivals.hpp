#pragma once

#include "runtime/broker/calls/suspects.hpp"

#include <string_view>

namespace troupe::broker {

/// The answer to a call that expired before a broker read it.
error came_too_late();

/// Accepts calls: checks a new one, and attaches a repeat to the held call with the same id.
/// Confined to the router.
class arrivals {
public:
  arrivals(
      const router_options& options,
      directory& nodes,
      held_calls& calls,
      callers& callers,
      counters& counts,
      dispatch& dispatch,
      suspects& suspects)
      : options_{options}, nodes_{nodes}, calls_{calls}, callers_{callers}, counts_{counts},
        dispatch_{dispatch}, suspects_{suspects} {}

  /// @param header as scanned from `header_bytes`; of kind `call`.
  void take(
      origin from,
      const wire::header_view& header,
      std::string_view header_bytes,
      std::string_view body,
      instant now,
      decisions& out);

  /// Refuses new calls from now on; repeats may still be attached to held calls.
  void drain() { is_draining_ = true; }

private:
  void attach(
      std::uint32_t index,
      origin from,
      const wire::header_view& header,
      std::string_view body,
      instant now,
      decisions& out);
  void refuse_unknown(origin from, const wire::header_view& header, instant now, decisions& out);
  bool accept(origin from, const wire::header_view& header, decisions& out);
  bool is_taken(
      origin from,
      const wire::header_view& header,
      std::uint32_t where,
      std::string_view body,
      decisions& out);
  bool was_brought(std::uint32_t index);

  const router_options& options_;
  directory& nodes_;
  held_calls& calls_;
  callers& callers_;
  counters& counts_;
  dispatch& dispatch_;
  suspects& suspects_;
  bool is_draining_ = false;
  instant suggest_at_{};
};

} // namespace troupe::broker
