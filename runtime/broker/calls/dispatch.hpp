#pragma once

#include "runtime/broker/calls/callers.hpp"
#include "runtime/broker/calls/choice.hpp"
#include "runtime/broker/cut_links.hpp"
#include "runtime/broker/quarantine.hpp"

#include <string>

namespace troupe::broker {

/// Sends calls to workers: a new one at once, unless others wait before it; queued ones, oldest
/// first, as soon as a worker has room. Confined to the router.
class dispatch {
public:
  dispatch(
      directory& nodes,
      held_calls& calls,
      callers& callers,
      counters& counts,
      const quarantine& quarantine,
      cut_links& cuts)
      : nodes_{nodes}, calls_{calls}, callers_{callers}, counts_{counts},
        quarantine_{quarantine}, cuts_{cuts} {}

  /// Sends a new call, queues it, or refuses it.
  void place(std::uint32_t index, instant now, decisions& out);

  /// Delivers a call that is in no list. `placement` must have room.
  void send(std::uint32_t index, std::uint32_t placement, instant now, decisions& out);

  /// Sends the waiting calls of capability `where`, from its queue and the lines of its placements,
  /// while there is room.
  void pump(std::uint32_t where, instant now, decisions& out);
  /// Sends calls to a node whose state has changed.
  void pump_node(std::uint32_t number, instant now, decisions& out);
  /// Sends queued calls to nodes whose breaker may let calls through again by now, and calls in
  /// lines that may go to another node or before others; no other input would send them.
  void pump_unblocked(instant now, decisions& out);

  /// Ends a call that no node accepts. The call is in no list; the error has the smallest
  /// `retry_after` of the nodes.
  void give_up(std::uint32_t index, const choice& why, decisions& out);

private:
  choice choose_for(const call& what, instant now) const;
  std::uint32_t line_of_key(const call& what) const;
  void review_lines(std::uint32_t where, instant now, decisions& out);
  void pump_lines(std::uint32_t where, const call* before, instant now, decisions& out);
  bool advance_line(std::uint32_t index, instant now, decisions& out);
  void give_up_shut(std::uint32_t index, std::uint32_t number, decisions& out);
  std::string forced_words(const capability& where) const;

  directory& nodes_;
  held_calls& calls_;
  callers& callers_;
  counters& counts_;
  const quarantine& quarantine_;
  cut_links& cuts_;
};

} // namespace troupe::broker
