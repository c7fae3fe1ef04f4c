#pragma once

#include "runtime/broker/calls/actions.hpp"
#include "runtime/broker/calls/counters.hpp"
#include "runtime/broker/calls/held_calls.hpp"
#include "runtime/calls/timer_wheel.hpp"

#include <string_view>
#include <vector>

namespace troupe::broker {

/// The callers: who waits for which call, and until when; each of them is told exactly one end.
/// Confined to the router.
///
/// A call has a timer, of the earliest deadline, exactly while somebody waits for it.
class callers {
public:
  callers(directory& nodes, held_calls& calls, counters& counts)
      : nodes_{nodes}, calls_{calls}, counts_{counts} {}

  /// Adds a waiter to the call. A peer that waits for the call already gets one answer, by the
  /// later of its two deadlines.
  void add(std::uint32_t index, origin whom, instant deadline);

  /// Sends one peer a refusal: its call was not taken in, or the peer may not wait for a call that
  /// is held.
  void refuse(origin to, const uuid& id, error why, decisions& out);
  /// Refuses all who wait because a worker brought another call along under their id. The call
  /// stays.
  void refuse_for(std::uint32_t index, const brought_call& held, decisions& out);
  /// Sends one peer that refusal.
  void
  refuse_for(origin to, const uuid& id, const brought_call& held, effect possible, decisions& out);
  /// Ends the call with this error for all who wait.
  void end(std::uint32_t index, const error& why, decisions& out);
  /// Gives this error to all who wait. The call stays.
  void refuse_all(std::uint32_t index, const error& why, decisions& out);
  /// Gives an answer to all who wait. The call stays.
  void
  answer_all(std::uint32_t index, std::string_view header, std::string_view body, decisions& out);
  /// Answers those whose time is up. The call stays. False if somebody waits on.
  bool expire(std::uint32_t index, instant now, decisions& out);

  /// A client is gone: it waits no longer for calls that a worker answers later. Those for which
  /// nobody else waits are dropped; a repeat of the id gets the answer.
  void forget(origin whom);

  /// Appends the calls that have a waiter whose deadline has passed; `expire` must be called for
  /// each.
  void take_due(instant now, std::vector<std::uint32_t>& into) { timers_.take_due(now, into); }

  /// Calls somebody waits for.
  std::size_t waited_for() const { return timers_.size(); }

private:
  static void note_failure(const call& which, errc why, decisions& out);

  directory& nodes_;
  held_calls& calls_;
  counters& counts_;
  calls::timer_wheel timers_{instant{}};
};

} // namespace troupe::broker
