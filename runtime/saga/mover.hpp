#pragma once

#include "runtime/saga/machine.hpp"
#include "runtime/saga/outgoing.hpp"
#include "runtime/saga/running_sagas.hpp"
#include "runtime/store/database.hpp"

#include <utility>
#include <vector>

namespace troupe::saga {

/// Gives running sagas their events: journals what each decides, and carries out the actions.
///
/// Confined to the thread of the group's writer; functions run inside a turn. Borrows the sagas.
class mover {
public:
  explicit mover(running_sagas& all) : running_{all} {}

  /// Gives a saga an event, and the events that follow from it at once.
  void move(store::database& session, coordinator& which, event what, wall_time now, outgoing& out);

  /// Gives a saga the messages stored for its steps that wait.
  void hear(store::database& session, coordinator& which, wall_time now, outgoing& out);

  /// The current move was undone.
  void undone() {
    requests_.clear();
    refused_bodies_.clear();
    listens_ = false;
  }

private:
  std::string intent_data(const coordinator& which, const record& row);
  outcome<std::string> take_request(const coordinator& which, const call& wanted);
  void carry_out(
      store::database& session,
      coordinator& which,
      const action& what,
      wall_time now,
      outgoing& out);
  /// Answers the callers that wait for the end of a saga.
  static void
  tell_end(store::database& session, const coordinator& which, const finish& end, outgoing& out);

  running_sagas& running_;
  // The requests of the intents in the current decision; their calls follow them.
  std::vector<std::pair<asked, outcome<std::string>>> requests_;
  // Calls that could not be made or sent: their failures are the next events.
  std::vector<std::pair<asked, error>> refused_bodies_;
  // A step of the current saga began to wait, and may have its answer already.
  bool listens_ = false;
};

} // namespace troupe::saga
