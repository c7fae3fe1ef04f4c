#pragma once

#include "runtime/broker/blame_book.hpp"
#include "runtime/broker/calls/dispatch.hpp"

#include <vector>

namespace troupe::broker {

/// Finds calls that kill workers. After two deaths a call is a suspect, and is sent alone, one
/// suspect after another; after five it is convicted, and not sent again. Confined to the router.
///
/// The first suspect that some node can take asks `quarantine` for that node, and is sent there
/// when its turn is granted. A suspect that no node can take is given up.
class suspects {
public:
  suspects(
      directory& nodes,
      held_calls& calls,
      callers& callers,
      counters& counts,
      dispatch& dispatch,
      quarantine& quarantine,
      cut_links& cuts);

  /// Whether a new call has killed workers before, under the same id: then it is a suspect, or
  /// convicted at once.
  bool take_known(std::uint32_t index, instant now, decisions& out);

  /// A worker is gone that had this call in hand (the call is in no list): puts the call back,
  /// makes it a suspect or convicts it. `send_next` must follow.
  ///
  /// @param was_alone the result of `is_alone` before the login ended.
  void blame(std::uint32_t index, const node& worker, bool was_alone, decisions& out);
  /// Whether the node has the suspect in hand, and nothing else.
  bool is_alone(std::uint32_t number) const;
  /// Takes the death of this incarnation back from these calls: it only lost its link.
  void take_back(const std::vector<uuid>& blamed, const uuid& incarnation);
  /// A link has ended. @param was_cut whether a message sent over it may be the reason.
  void note_end(const node& worker, bool was_cut, instant now);
  /// The worker is back, and only its link had ended: a call that has cut its links again and again
  /// is not sent any more.
  ///
  /// @param in_hand the calls that the worker has, which did not cut the link.
  void note_return(const node& worker, const std::vector<uuid>& in_hand, decisions& out);

  /// The worker has answered or mentioned this call, and so has received it.
  void note_word(login_id from, const uuid& call) { cuts_.answered(from, call); }

  /// A new process has logged in: calls set aside may be sent again.
  void allow_again() { blamed_.allow_again(); }

  /// Clears a call of its deaths, as the worker that answered it survived.
  void acquit(const call& answered);

  /// Begins the turn of the first suspect that a node can take, unless one has its turn.
  void send_next(instant now, decisions& out);
  /// A node has fewer calls in hand.
  void released(std::uint32_t number, instant now, decisions& out);
  /// Ends the turn of the call `index`, if it has the turn, and goes on with the next suspect. The
  /// call is no longer at a worker.
  void end_turn_of(std::uint32_t index, instant now, decisions& out);
  /// Chooses the suspect's node again after a change of what a node serves, unless the suspect was
  /// sent there. `send_next` must follow.
  void choose_again(std::uint32_t number);
  /// The node's login has ended. `send_next` must follow.
  void login_ended(std::uint32_t number);
  /// The quarantine has changed: sends the suspect, and calls to the node that was freed.
  void follow(instant now, decisions& out);

  bool has_turn(std::uint32_t index) const { return turn_.call == index; }

private:
  /// The suspect that is in quarantine, or in line for it, and its chosen node.
  struct turn {
    std::uint32_t call = nowhere;
    std::uint32_t node = nowhere;
    std::uint32_t placement = nowhere;
    bool is_sent = false;
  };

  void request(std::uint32_t number);
  bool begin_turn(std::uint32_t index, instant now, decisions& out);
  void advance(instant now, decisions& out);
  void end_turn();
  void suspect(std::uint32_t index, decisions& out);
  void convict(std::uint32_t index, decisions& out);

  directory& nodes_;
  held_calls& calls_;
  callers& callers_;
  counters& counts_;
  dispatch& dispatch_;
  quarantine& quarantine_;
  cut_links& cuts_;
  blame_book blamed_;
  turn turn_;
  /// The node that was kept free when the quarantine was last followed.
  login_id kept_free_{nowhere};
};

} // namespace troupe::broker
