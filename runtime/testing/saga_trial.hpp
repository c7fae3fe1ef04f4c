#pragma once

#include "runtime/saga/machine.hpp"
#include "runtime/testing/trial_participants.hpp"
#include "runtime/wire/operation.hpp"

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::testing {

/// Runs one saga of a definition against participants that are functions, without processes,
/// database or threads, in simulated time.
///
/// Calls are named "CAPABILITY.OPERATION". Participants behave as real ones must: an id is
/// carried out once and then answered as before, and a do after its undo is refused; so a function
/// sees each command until it has answered for good, and an undo only if there is something to
/// undo. If a repeated request
/// differs from the first, the saga is parked, as its id is known for another request.
///
/// ```cpp
/// saga_trial trial{place()};
/// trial.on<reserve_stock>("inventory.reserve", [](const auto&) { return stock_reserved{2200,
/// "EUR"}; })
///     .lose_answer("payments.charge")
///     .refuse("orders.confirm", "no");
/// const auto answer = trial.run(wish);
/// BOOST_TEST(trial.carried_out() == ...);
/// ```
class saga_trial {
public:
  using participant = trial_participants::participant;

  /// @throws std::invalid_argument with the faults of the definition.
  explicit saga_trial(saga::definition of);

  /// Sets the participant of a call; calls without one are answered with an empty map.
  saga_trial& on_bytes(std::string call, participant answers);

  /// @param answers returns a message, or an outcome of one.
  template <wire::message Request, class Function>
  saga_trial& on(std::string call, Function answers) {
    return on_bytes(std::move(call), [answers](std::string_view body) -> outcome<std::string> {
      TROUPE_TRY(const auto request, wire::checked_decode<Request>(body));
      return encoded(answers(request));
    });
  }

  /// The same by the operation's declaration.
  template <wire::message Request, wire::message Reply, class Function>
  saga_trial& on(const wire::operation<Request, Reply>& what, Function answers) {
    return on<Request>(
        std::string{what.capability} + "." + std::string{what.name},
        [answers](const Request& request) -> outcome<Reply> { return answers(request); });
  }

  // The faults of the next calls of a name, in the order of these declarations.

  /// The participant refuses the call.
  saga_trial& refuse(std::string call, std::string reason);
  /// The call is carried out, and its answer is lost.
  saga_trial& lose_answer(std::string call, int times = 1);
  /// The call fails with `code` before it is carried out.
  saga_trial& fail(std::string call, errc code, int times = 1);
  /// The saga's owner dies as soon as the call is carried out; another continues from the journal.
  saga_trial& take_over_at(std::string call);
  /// The saga's deadline passes while the call is outstanding; its answer arrives afterwards.
  saga_trial& time_up_at(std::string call);

  /// Answers a waiting step as soon as it waits. A step without an answer waits until its deadline,
  /// in simulated time.
  saga_trial& say_bytes(std::string step, std::string message);

  template <wire::message Message>
  saga_trial& say(std::string step, const Message& message) {
    return say_bytes(std::move(step), wire::encoded(message));
  }

  /// The saga's owner dies while the step waits; another continues from the journal.
  saga_trial& take_over_during(std::string step);

  /// Runs the saga until it is over or parked, or has made 10,000 calls.
  /// @return its answer; the reason for which it parked, or for which its `accept` refused the
  /// input; `deadline_exceeded` if it did not end.
  outcome<std::string> run(std::string input);

  template <wire::message Input>
  outcome<std::string> run(const Input& input) {
    return run(wire::encoded(input));
  }

  /// The calls that had an effect, in order.
  const std::vector<std::string>& carried_out() const { return participants_.carried_out(); }

  /// The number of times that a call was made.
  int asked(const std::string& call) const;

  saga::phase now() const { return state_.now; }

  const uuid& id() const { return state_.saga; }

  /// The simulated time that has passed in waiting steps, between attempts, and until the saga's
  /// deadline.
  milliseconds passed() const;

private:
  enum class mishap : std::uint8_t { refusal, lost_answer, failure, takeover, time_up };

  struct planned {
    mishap what = mishap::refusal;
    errc code = errc::rejected;
    std::string reason{};
  };

  /// The next requests of the saga.
  struct wishes {
    std::deque<saga::call> calls;
    std::deque<saga::listen> listens;
    /// The events that are due, by step; the one behind them all is the saga's deadline.
    std::map<std::uint32_t, std::pair<wall_time, saga::event>> due;
  };

  struct kept {
    saga::record row;
    std::string data;
  };

  template <wire::message T>
  static outcome<std::string> encoded(const T& made) {
    return wire::encoded(made);
  }

  template <wire::message T>
  static outcome<std::string> encoded(const outcome<T>& made) {
    if (!made) {
      return failure{made.error()};
    }
    return wire::encoded(*made);
  }

  saga_trial& plan(std::string call, planned what, int times = 1);
  void give(saga::event what);
  void send(const saga::call& wanted);
  void answer(const saga::call& to, outcome<std::string> said);
  void take_over();
  bool let_time_pass();
  void hear(const saga::listen& waits);

  saga::plan plan_;
  saga::state state_;
  wall_time now_;
  trial_participants participants_;
  std::map<std::string, std::deque<planned>> planned_;
  std::map<std::string, int> asked_;
  std::deque<kept> rows_;
  wishes wishes_;
  std::map<std::string, std::string> said_;
  std::set<std::string> dies_during_;
  std::optional<outcome<std::string>> end_;
};

} // namespace troupe::testing
