#pragma once

#include "runtime/broker/calls/suspects.hpp"

#include <string_view>

namespace troupe::broker {

/// Handles a worker's reply: an answer is passed on to all waiting callers, a refusal without
/// effect sends the call to another node, and `pending` leaves it to be answered later. Confined to
/// the router.
class replies {
public:
  replies(
      directory& nodes,
      held_calls& calls,
      callers& callers,
      counters& counts,
      dispatch& dispatch,
      suspects& suspects)
      : nodes_{nodes}, calls_{calls}, callers_{callers}, counts_{counts}, dispatch_{dispatch},
        suspects_{suspects} {}

  /// @param header as scanned from `header_bytes`; of kind `reply`.
  void take(
      login_id from,
      const wire::header_view& header,
      std::string_view header_bytes,
      std::string_view body,
      instant now,
      decisions& out);

private:
  void drop_stray(std::uint32_t node, std::uint32_t capability, instant now, decisions& out);
  void take_pending(std::uint32_t index, instant now, decisions& out);
  bool try_elsewhere(
      std::uint32_t index,
      bool is_mine,
      const wire::header_view& header,
      instant now,
      decisions& out);
  void note_time(const call& answered, wire::status how, instant now);
  void take_answer(
      std::uint32_t index,
      bool is_mine,
      const wire::header_view& header,
      std::string_view header_bytes,
      std::string_view body,
      instant now,
      decisions& out);

  directory& nodes_;
  held_calls& calls_;
  callers& callers_;
  counters& counts_;
  dispatch& dispatch_;
  suspects& suspects_;
  instant log_stray_at_{};
};

} // namespace troupe::broker
