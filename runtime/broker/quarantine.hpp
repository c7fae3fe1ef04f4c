#pragma once

#include "runtime/broker/decided.hpp"

#include <cstdint>
#include <deque>

namespace troupe::broker {

/// Who has a suspect to send: the router (`calls`), or a subscriber, by its number in the bus.
enum class suspect_of : std::uint32_t { calls = nowhere };

/// Decides which suspect is sent alone. A suspect is a call or an event that two workers died with:
/// further deaths prove something only if the worker has nothing else in hand.
///
/// One suspect at a time in the whole broker: whoever has one asks for a node, and waits in one
/// line with all others. The first in line has its turn: its node is kept free, that is, router and
/// subscribers send nothing new to it. Once the node has neither calls nor events in hand, the turn
/// is granted, and the suspect is sent. Its asker releases the node when the suspect was answered.
///
/// Pure: no socket, no clock. The router and the bus of one broker share one object, on one thread.
/// What one of them changes concerns the other: the shell compares `changes` after each input and,
/// when it has risen, calls `follow_quarantine` of both.
class quarantine {
public:
  enum class work : std::uint8_t { calls = 1, events = 2 };

  /// From now on no turn is granted before `emptied(of)` was said in it.
  void join(work of) { joined_ |= static_cast<std::uint8_t>(of); }

  /// Puts `who` in line for `node`. If `who` is in line already, it keeps its place there, and its
  /// turn, unless the turn is for another node: then it begins anew with `node`.
  void request(suspect_of who, login_id node);

  /// Ends the turn of `who`, or takes it out of the line. Nothing if it has no request.
  void release(suspect_of who);

  /// The node that is kept free has none of this work in hand, that of its asker aside.
  void emptied(work of);

  /// The node that is kept free now, or `login_id{nowhere}`.
  login_id node() const { return node_; }

  /// Whether it is the turn of `who`, granted or not.
  bool has_turn(suspect_of who) const { return !line_.empty() && line_.front().who == who; }

  /// Whether `who` may send its suspect to `node()`, which has nothing else in hand.
  bool is_granted(suspect_of who) const { return has_turn(who) && awaited_ == 0; }

  /// Rises whenever a turn begins, is granted or ends.
  std::uint64_t changes() const { return changes_; }

private:
  struct wish {
    suspect_of who;
    login_id node;
  };

  void begin_turn();

  std::deque<wish> line_; // The first has its turn.
  login_id node_{nowhere};
  /// Kinds of work that have joined; those of them that have not said `emptied` in this turn.
  std::uint8_t joined_ = 0;
  std::uint8_t awaited_ = 0;
  std::uint64_t changes_ = 0;
};

} // namespace troupe::broker
