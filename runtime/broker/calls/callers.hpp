#pragma once

#include "runtime/broker/calls/actions.hpp"
#include "runtime/broker/calls/counters.hpp"
#include "runtime/broker/calls/held_calls.hpp"
#include "runtime/calls/timer_wheel.hpp"

#include <string_view>
#include <vector>

namespace troupe::broker {

/// The callers that wait for each call, and their deadlines; each caller gets exactly one answer or
/// error. Confined to the router.
///
/// A call has a timer, for the earliest deadline, exactly while a caller waits for it.
class callers {
public:
  callers(directory& nodes, held_calls& calls, counters& counts)
      : nodes_{nodes}, calls_{calls}, counts_{counts} {}

  /// Adds a waiter to the call. A peer that waits for the call already gets one answer, by the
  /// later of its two deadlines.
  void add(std::uint32_t index, origin whom, instant deadline);

  /// Sends one peer a refusal: its call was not accepted, or the peer may not wait for a held call.
  void refuse(origin to, const uuid& id, error why, decisions& out);
  /// Refuses all waiting callers, as a worker listed a different call under their id. The call
  /// stays.
  void refuse_for(std::uint32_t index, const brought_call& held, decisions& out);
  /// Sends one peer that refusal.
  void
  refuse_for(origin to, const uuid& id, const brought_call& held, effect possible, decisions& out);
  /// Ends the call with this error for all waiting callers.
  void end(std::uint32_t index, const error& why, decisions& out);
  /// Sends this error to all waiting callers. The call stays.
  void refuse_all(std::uint32_t index, const error& why, decisions& out);
  /// Sends an answer to all waiting callers. The call stays.
  void
  answer_all(std::uint32_t index, std::string_view header, std::string_view body, decisions& out);
  /// Answers callers whose deadline has passed. The call stays. False if a caller still waits.
  bool expire(std::uint32_t index, instant now, decisions& out);

  /// A client is gone: it no longer waits for calls that a worker answers later. Calls without
  /// other callers are dropped; a repeat of the id gets the answer.
  void forget(origin whom);

  /// Appends the calls that have a waiter whose deadline has passed; `expire` must be called for
  /// each.
  void take_due(instant now, std::vector<std::uint32_t>& into) { timers_.take_due(now, into); }

  /// The number of calls with a waiting caller.
  std::size_t waited_for() const { return timers_.size(); }

private:
  static void note_failure(const call& which, errc why, decisions& out);

  directory& nodes_;
  held_calls& calls_;
  counters& counts_;
  calls::timer_wheel timers_{instant{}};
};

} // namespace troupe::broker
