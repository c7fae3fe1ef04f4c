// The saga `booking.book`, and the list of actor types.

#include "actors.hpp"
#include "messages.hpp"

namespace booking {

namespace {

using namespace troupe::saga;

const auto undo = [](const book_seats&, const facts& known) { return undo_booking{known.saga}; };

} // namespace

definition book() {
  const result<seats_held> held{"hold"};
  const auto hold_them = [](const book_seats& wish, const facts& known) {
    return hold_seats{known.saga, wish.show, wish.seats};
  };
  const auto pay_them = [](const book_seats& wish, const facts& known, const seats_held& seats) {
    return pay{known.saga, wish.customer, seats.cents};
  };
  const auto issue_it = [](const book_seats& wish, const facts& known, const seats_held& seats) {
    return issue_ticket{known.saga, wish.customer, wish.show, seats.cents};
  };
  const auto answer = [](const book_seats&, const facts& known, const seats_held& seats) {
    return booked{known.saga, seats.cents};
  };
  return {
      .operation = "book",
      .steps =
          {undone_by<book_seats>(calls<book_seats>("hold", hold, hold_them), release, undo),
           pivot(undone_by<book_seats>(
               calls<book_seats>("pay", take_money, pay_them, held), give_money_back, undo)),
           retried(calls<book_seats>("issue", issue, issue_it, held))},
      .answer = project<book_seats>(answer, held),
      .accept = decodable<book_seats>()};
}

} // namespace booking

std::vector<troupe::actor_type> troupe::registered_types() {
  return {
      booking::tickets(),
      booking::wallet(),
      booking::statistics(),
      saga_type("booking", {booking::book()})};
}
