#pragma once

#include "runtime/broker/blame_book.hpp"
#include "runtime/broker/calls/dispatch.hpp"

#include <vector>

namespace troupe::broker {

/// Finds out which call kills workers. After two deaths a call is a suspect, and sent alone, one
/// suspect after another; after five it is convicted, and not tried again. Confined to the router.
///
/// The first suspect that some node can take asks `quarantine` for that node, and is sent there
/// when its turn is granted. What cannot be tried anywhere is given up.
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

  /// Whether a new call killed workers before, under the same id: then it is a suspect, or
  /// convicted at once.
  bool take_known(std::uint32_t index, instant now, decisions& out);

  /// A worker is gone with this call, which is in no list, in hand: puts it back, suspects or
  /// convicts it. `send_next` has to follow.
  ///
  /// @param was_alone what `is_alone` said before the login ended.
  void blame(std::uint32_t index, const node& worker, bool was_alone, decisions& out);
  /// Whether the node has the suspect in hand, and nothing else.
  bool is_alone(std::uint32_t number) const;
  /// Takes the death of this incarnation back from these calls: it only lost its link.
  void take_back(const std::vector<uuid>& blamed, const uuid& incarnation);
  /// A link has ended. @param was_cut whether what it was sent may be why.
  void note_end(const node& worker, bool was_cut, instant now);
  /// The worker is back, and only its link had ended: the call that has cut its links again and
  /// again is not sent any more.
  ///
  /// @param in_hand what the worker has, and was not cut with.
  void note_return(const node& worker, const std::vector<uuid>& in_hand, decisions& out);

  /// The worker has said something about this call, and has it.
  void note_word(login_id from, const uuid& call) { cuts_.answered(from, call); }

  /// A new process has logged in: calls that were set aside may be sent again.
  void allow_again() { blamed_.allow_again(); }

  /// Clears a call of its deaths: the worker that answered it lived on.
  void acquit(const call& answered);

  /// Begins the turn of the first suspect that some node can take, unless one has its turn.
  void send_next(instant now, decisions& out);
  /// A node has fewer calls in hand.
  void released(std::uint32_t number, instant now, decisions& out);
  /// Ends the turn of the call `index`, if it has the turn, and goes on with the next suspect. The
  /// call is no longer at a worker.
  void end_turn_of(std::uint32_t index, instant now, decisions& out);
  /// Chooses the suspect's node again after a change of what a node serves, unless the suspect was
  /// sent there. `send_next` must follow.
  void choose_again(std::uint32_t number);
  /// Its login is over. `send_next` has to follow.
  void login_ended(std::uint32_t number);
  /// The quarantine has changed: sends the suspect, and calls to the node that was freed.
  void follow(instant now, decisions& out);

  bool has_turn(std::uint32_t index) const { return turn_.call == index; }

private:
  /// The suspect that is in quarantine, or in line for it, and the node that it is to have.
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
