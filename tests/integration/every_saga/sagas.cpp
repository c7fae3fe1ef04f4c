// Sagas of every kind, and what the programs know.

#include "runtime/actor/registry.hpp"
#include "runtime/reconciler/messages.hpp"
#include "runtime/reconciler/reconciliation_actor.hpp"
#include "runtime/saga/definition.hpp"
#include "tests/integration/every_saga/marks.hpp"
#include "tests/integration/every_saga/messages.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::test {

namespace {

using namespace std::chrono_literals;
using saga::definition;
using saga::facts;
using saga::heard;
using saga::step;
using saga::together;
using wire::operation;

/// However long everything is down, it is not the deadline that ends a saga.
constexpr milliseconds long_enough = 10min;

step called(const std::string& name, std::string_view capability) {
  step made = saga::calls<wish>(
      name,
      operation<mark, marked>{capability, "make"},
      [name](const wish& of, const facts& known) {
        return mark{known.saga, of.label, name, of.refuse == name};
      });
  made.retries = saga::retries_max;
  return made;
}

/// A step that marks `capability`, and can be undone.
step marks_at(const std::string& name, std::string_view capability) {
  return saga::undone_by<wish>(
      called(name, capability),
      operation<unmark, marked>{capability, "unmake"},
      [name](const wish& of, const facts& known) {
        return unmark{known.saga, of.label, name};
      });
}

/// A step behind the point of no return.
step kept_at(const std::string& name, std::string_view capability) {
  return saga::retried(called(name, capability));
}

heard answer_in(const word& said) {
  return said.yes ? heard{said.saga} : heard{said.saga, rejected("declined", "Somebody said no.")};
}

step waits_for(const std::string& operation, const std::string& topic, milliseconds within) {
  step made = saga::waits<word>("wait", operation, within, answer_in);
  made.topic = topic;
  return made;
}

definition of(const std::string& operation, std::vector<step> steps) {
  return {
      .operation = operation,
      .deadline = long_enough,
      .steps = std::move(steps),
      .answer = saga::project<wish>([](const wish& of) { return fulfilled{of.label}; }),
      .accept = saga::decodable<wish>()};
}

/// A saga that another one runs, and has undone.
definition inner() {
  definition made = of("inner", {marks_at("in_a", "left"), marks_at("in_b", "right")});
  made.deadline = long_enough / 2;
  made.undo = "uninner";
  return made;
}

step runs_inner() {
  step made = saga::runs(
      saga::calls<wish>(
          "inner", operation<wish, fulfilled>{"sagas", "inner"}, [](const wish& of) { return of; }),
      "uninner");
  made.deadline = long_enough / 2;
  made.retries = saga::retries_max;
  return made;
}

/// Few at once, so that most are queued.
definition queued() {
  definition made = of("queued", {marks_at("a", "left"), marks_at("b", "right")});
  made.at_once = 1;
  return made;
}

std::vector<definition> every_kind() {
  const auto if_extra = [](const wish& of) { return of.extra; };
  return {
      of("plain",
         {marks_at("a", "left"),
          saga::pivot(marks_at("b", "right")),
          kept_at("c", "left"),
          kept_at("d", "right")}),
      of("parallel",
         {marks_at("a", "left"),
          together(marks_at("b", "right")),
          together(marks_at("c", "left")),
          marks_at("d", "right")}),
      of("asked", {marks_at("a", "left"), waits_for("say", "", 5min), marks_at("b", "right")}),
      of("heard",
         {marks_at("a", "left"), waits_for("", "word.said", 5min), marks_at("b", "right")}),
      of("ignored", {marks_at("a", "left"), waits_for("hush", "", 2s), marks_at("b", "right")}),
      of("timed", {marks_at("a", "left"), saga::lets_pass("passing", 1s), marks_at("b", "right")}),
      of("chosen",
         {marks_at("a", "left"),
          saga::only_if<wish>(marks_at("b", "right"), if_extra),
          marks_at("c", "left")}),
      queued(),
      inner(),
      of("outer", {marks_at("a", "left"), runs_inner(), marks_at("b", "right")})};
}

/// Makes a mark that is missing at the right: what reconciliation asks for.
definition mend() {
  using reconcile::correct_inconsistency;
  step made = saga::calls<correct_inconsistency>(
      "mend",
      operation<mark, marked>{"right", "make"},
      [](const correct_inconsistency& of) -> outcome<mark> {
        if (!of.order_id) {
          return failure{invalid("the key is no id")};
        }
        return mark{*of.order_id, "mended", "a"};
      });
  return {
      .operation = "mend",
      .steps = {saga::retried(std::move(made))},
      .accept = saga::decodable<correct_inconsistency>()};
}

} // namespace

} // namespace troupe::test

std::vector<troupe::actor_type> troupe::registered_types() {
  return {
      test::marks(),
      saga_type("sagas", test::every_kind()),
      saga_type("menders", {test::mend()}),
      reconcile::reconciliation_type()};
}
