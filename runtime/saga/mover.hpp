#pragma once

#include "runtime/saga/machine.hpp"
#include "runtime/saga/outgoing.hpp"
#include "runtime/saga/running_sagas.hpp"
#include "runtime/store/database.hpp"

#include <utility>
#include <vector>

namespace troupe::saga {

/// Moves running sagas by their events: journals what each decides, and carries out what follows.
///
/// Confined to the thread of the group's writer; functions run inside a turn. Borrows the sagas.
class mover {
public:
  explicit mover(running_sagas& all) : running_{all} {}

  /// Gives a saga an event, and those that follow at once.
  void move(const saga_turn& in, coordinator& which, event what);

  /// Gives a saga what was said to its steps that wait.
  void hear(const saga_turn& in, coordinator& which);

  /// The move at hand was undone.
  void undone() {
    requests_.clear();
    refused_bodies_.clear();
    listens_ = false;
  }

private:
  std::string intent_data(const coordinator& which, const record& row);
  outcome<std::string> take_request(const coordinator& which, const call& wanted);
  void carry_out(const saga_turn& in, coordinator& which, const action& what);
  /// Answers whoever waits for the end of a saga.
  static void tell_end(const saga_turn& in, const coordinator& which, const finish& end);

  running_sagas& running_;
  // Requests of the intents of the decision at hand: their calls follow them.
  std::vector<std::pair<asked, outcome<std::string>>> requests_;
  // Calls that could not be made, or could not travel: their failures are the next events.
  std::vector<std::pair<asked, error>> refused_bodies_;
  // A step of the saga at hand began to wait, and may have its answer already.
  bool listens_ = false;
};

} // namespace troupe::saga
