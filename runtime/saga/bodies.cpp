#include "runtime/saga/bodies.hpp"

#include "runtime/saga/machine.hpp"
#include "runtime/thrown.hpp"

#include <type_traits>

namespace troupe::saga {

namespace {

/// Calls a function of the definition's author, whose bugs end a saga but never a coordinator: an
/// exception thrown further would kill this process, and then each that takes over the saga.
template <class Function>
auto made_by(const Function& function, const facts& known, const char* what) {
  using made = std::remove_cvref_t<decltype(function(known))>;
  std::conditional_t<std::is_same_v<made, outcome<bool>>, made, outcome<std::string>> body;
  try {
    body = function(known);
  } catch (...) {
    body = failure{invalid(std::string{what} + " of a saga threw: " + what_was_thrown())};
  }
  if (!body && verdict_on(body.error().code).is_technical) {
    body.error().code = errc::invalid;
  }
  return body;
}

} // namespace

outcome<std::string> answer_of(const plan& by, const state& current) {
  const body_maker& answer = by.what().answer;
  if (answer) {
    return made_by(answer, current.known(by), "the answer");
  }
  if (current.steps.back().status == step_status::passed) {
    return failure{internal_error("the last step, whose reply is the answer, was passed over")};
  }
  if (current.steps.back().skipped) {
    return failure{internal_error("the last step, whose reply is the answer, was skipped")};
  }
  return current.results.back();
}

call command_of(const plan& by, const state& current, std::uint32_t step, bool undo) {
  const step_state& its = current.steps[step];
  const std::uint32_t round = undo ? its.undo_round : its.round;
  const uuid done_id = by.command_id(current.saga, step, false, its.round);
  return {
      .as = {.step = step, .undo = undo, .round = round, .attempt = its.hand.attempt},
      .id = undo ? by.command_id(current.saga, step, true, round) : done_id,
      .undoes = undo ? done_id : uuid{},
      .timeout = by.at(step).deadline};
}

outcome<std::string> body_of(const plan& by, const state& current, const call& wanted) {
  const step& step = by.at(wanted.as.step);
  if (!by.makes(wanted.as.step, wanted.as.undo)) {
    return failure{error{
        .code = errc::conflict,
        .message = std::string{"this program has no "} + (wanted.as.undo ? "undo" : "call")
                   + " of step `" + step.name + "` (" + step.capability + "."
                   + (wanted.as.undo ? step.undo : step.operation)
                   + ") any more, which the saga began with"}};
  }
  const bool own = wanted.as.undo && step.undo_request;
  facts known = current.known(by);
  known.command = wanted.as.undo ? wanted.undoes : wanted.id;
  return made_by(own ? step.undo_request : step.request, known, "a request");
}

outcome<std::string> key_of(const plan& by, const state& current, const call& wanted) {
  const step& step = by.at(wanted.as.step);
  return step.key ? made_by(step.key, current.known(by), "a key") : std::string{};
}

outcome<bool> condition_of(const plan& by, const state& current, std::uint32_t index) {
  const step& step = by.at(index);
  return step.when ? made_by(step.when, current.known(by), "a condition") : true;
}

const std::string& operation_of(const plan& by, const call& wanted) {
  const step& step = by.at(wanted.as.step);
  return wanted.as.undo ? step.undo : step.operation;
}

} // namespace troupe::saga
