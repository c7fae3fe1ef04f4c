// The saga `booking.book`, and what the programs know.

#include "actors.hpp"
#include "messages.hpp"

namespace booking {

using troupe::saga::calls;
using troupe::saga::facts;
using troupe::saga::project;
using troupe::saga::result;
using troupe::saga::step;
using troupe::saga::step_kind;
using troupe::saga::undone_by;

namespace {

const auto undo = [](const book_seats&, const facts& known) { return undo_booking{known.saga}; };

step hold_step() {
  return undone_by<book_seats>(
      calls<book_seats>(
          "hold",
          hold,
          [](const book_seats& wish, const facts& known) {
            return hold_seats{known.saga, wish.show, wish.seats};
          }),
      release,
      undo);
}

/// The point of no return.
step pay_step() {
  step made = undone_by<book_seats>(
      calls<book_seats>(
          "pay",
          take_money,
          [](const book_seats& wish, const facts& known, const seats_held& held) {
            return pay{known.saga, wish.customer, held.cents};
          },
          result<seats_held>{"hold"}),
      give_money_back,
      undo);
  made.kind = step_kind::pivot;
  return made;
}

step issue_step() {
  step made = calls<book_seats>(
      "issue",
      issue,
      [](const book_seats& wish, const facts& known, const seats_held& held) {
        return issue_ticket{known.saga, wish.customer, wish.show, held.cents};
      },
      result<seats_held>{"hold"});
  made.kind = step_kind::retriable;
  return made;
}

} // namespace

troupe::saga::definition book() {
  return {
      .operation = "book",
      .steps = {hold_step(), pay_step(), issue_step()},
      .answer = project<book_seats>(
          [](const book_seats&, const facts& known, const seats_held& held) {
            return booked{known.saga, held.cents};
          },
          result<seats_held>{"hold"}),
      .accept = troupe::saga::decodable<book_seats>()};
}

} // namespace booking

std::vector<troupe::actor_type> troupe::registered_types() {
  return {
      booking::tickets(),
      booking::wallet(),
      booking::statistics(),
      saga_type("booking", {booking::book()})};
}
