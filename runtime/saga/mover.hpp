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
  void move(const saga_turn& in, coordinator& which, event what);

  /// Gives a saga the messages stored for its steps that wait.
  void hear(const saga_turn& in, coordinator& which);

  /// The current move was undone.
  void undone() {
    requests_.clear();
    refused_bodies_.clear();
    listens_ = false;
  }

private:
  std::string intent_data(const coordinator& which, const record& row);
  outcome<std::string> take_request(const coordinator& which, const call& wanted);
  void carry_out(const saga_turn& in, coordinator& which, const action& what);
  /// Answers the callers that wait for the end of a saga.
  static void tell_end(const saga_turn& in, const coordinator& which, const finish& end);

  running_sagas& running_;
  // The requests of the intents in the current decision; their calls follow them.
  std::vector<std::pair<asked, outcome<std::string>>> requests_;
  // Calls that could not be made or sent: their failures are the next events.
  std::vector<std::pair<asked, error>> refused_bodies_;
  // A step of the current saga began to wait, and may have its answer already.
  bool listens_ = false;
};

} // namespace troupe::saga
