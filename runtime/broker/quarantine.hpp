#pragma once

#include "runtime/broker/decided.hpp"
#include "runtime/clock.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>

namespace troupe::broker {

/// The owner of a suspect: the router (`calls`), or a subscriber, by its number in the bus.
enum class suspect_of : std::uint32_t { calls = nowhere };

/// Decides which suspect is sent alone. A suspect is a call or an event that two workers died with:
/// further deaths count only if the worker has nothing else in hand.
///
/// One suspect at a time in the whole broker: an owner of a suspect asks for a node, and all owners
/// wait in one line. The first in line has its turn: its node is kept free, that is, router and
/// subscribers send nothing new to it. Once the node has neither calls nor events in hand, the turn
/// is granted, and the suspect is sent. The owner releases the node when the suspect is answered.
///
/// Turns must not starve the other work of a node. A turn that is not granted within `patience` is
/// postponed, and waits longer next time; a granted one ends after `alone_most`, or its owner's
/// allowed time, whether the suspect was answered or not. Then, and after `kept_free_most` of turns
/// in a row, no node is kept free for as long as one was.
///
/// Pure: no socket, no clock; it knows the time of the last `tick`. The router and the bus of one
/// broker share one object, on one thread. A change by one of them concerns the other: the shell
/// compares `changes` after each input and, when it has risen, calls `follow_quarantine` of both.
class quarantine {
public:
  enum class work : std::uint8_t { calls = 1, events = 2 };

  static constexpr milliseconds patience_first{250};
  static constexpr milliseconds patience_most{4'000};
  static constexpr milliseconds alone_most{1'000};
  static constexpr milliseconds kept_free_most{50};

  /// The time for which a suspect may be alone, by the number of workers that died with it after
  /// its time alone was over: a suspect that kills slowly gets more time, up to 32 s.
  static constexpr milliseconds alone_after(std::uint8_t outlasted) {
    return alone_most * (1U << std::min<std::uint8_t>(outlasted, 5));
  }

  /// From now on a turn is granted only after `emptied(of)` was called during it.
  void join(work of) { joined_ |= static_cast<std::uint8_t>(of); }

  /// From now on turns do not wait for `emptied(of)`. Its requests have been released.
  void leave(work of);

  /// Puts `who` in line for `node`. If `who` is in line already, it keeps its place and its turn,
  /// unless the turn is for another node: then the turn starts over with `node`.
  void request(suspect_of who, login_id node, milliseconds alone = alone_most);

  /// Ends the turn of `who`, or removes it from the line. Does nothing if it has no request.
  void release(suspect_of who);

  /// The node that is kept free has none of this work in hand, except the suspect.
  void emptied(work of);

  /// The node that is kept free now, or `login_id{nowhere}`.
  login_id node() const { return node_; }

  /// Whether `who` has the turn, granted or not.
  bool has_turn(suspect_of who) const {
    return !is_resting() && !line_.empty() && line_.front().who == who;
  }

  /// Whether `who` may send its suspect to `node()`, which has nothing else in hand.
  bool is_granted(suspect_of who) const { return has_turn(who) && awaited_ == 0; }

  /// Ends turns and rests that have lasted long enough. Must be called every few milliseconds while
  /// `is_busy`.
  void tick(instant now);

  bool is_busy() const { return !line_.empty() || is_resting() || !is_fresh_; }

  /// Rises whenever a turn begins, is granted or ends.
  std::uint64_t changes() const { return changes_; }

private:
  struct wish {
    suspect_of who;
    login_id node;
    milliseconds alone;
  };

  bool is_resting() const { return rest_until_ != instant{}; }

  void begin_turn();
  void end_turn();
  void rest();

  std::deque<wish> line_; // The first has its turn.
  login_id node_{nowhere};
  /// Kinds of work that have joined; those of them that have not said `emptied` in this turn.
  std::uint8_t joined_ = 0;
  std::uint8_t awaited_ = 0;
  std::uint64_t changes_ = 0;
  instant now_{};        // The time of the last tick.
  bool is_new_ = false;  // No tick has seen the turn at hand.
  bool is_fresh_ = true; // No node was kept free at the last tick.
  instant turn_since_{}; // The time since when a node is kept free for the turn at hand,
  instant kept_since_{}; // and since when for one turn after another.
  instant rest_until_{}; // The epoch if it does not rest.
  milliseconds patience_ = patience_first;
};

} // namespace troupe::broker
