// The saga `trips.book`, and the list of actor types.

#include "actors.hpp"
#include "messages.hpp"

#include <chrono>

namespace travel {

namespace {

using troupe::saga::facts;
using troupe::saga::heard;
using troupe::saga::step;
using troupe::saga::together;

/// A step that holds a place of `capability`; its undo frees the place.
step held(const std::string& name, std::string_view capability) {
  using troupe::wire::operation;
  const auto hold = [](const book_trip& wish, const facts& known) {
    return hold_place{known.saga, wish.to};
  };
  const auto free = [](const book_trip&, const facts& known) { return free_place{known.saga}; };
  return troupe::saga::undone_by<book_trip>(
      troupe::saga::calls<book_trip>(
          name, operation<hold_place, place_held>{capability, "hold"}, hold),
      operation<free_place, free_place>{capability, "free"},
      free);
}

/// A refusal fails the step, so that all places are freed.
heard decision_in(const approval& said) {
  if (said.approved) {
    return {.saga = said.trip};
  }
  return {.saga = said.trip, .refusal = troupe::rejected("declined", said.who + " declined.")};
}

std::int64_t cents_of(const facts& known) {
  std::int64_t sum = 0;
  for (const char* const name : {"flight", "hotel", "car"}) {
    const auto place = troupe::saga::result_of<place_held>(known, std::string_view{name});
    sum += place ? place->cents : 0; // Some trips have no car.
  }
  return sum;
}

} // namespace

troupe::saga::definition book() {
  using namespace std::chrono_literals;
  return {
      .operation = "book",
      .deadline = 49h,
      .steps =
          {held("flight", "flights"),
           together(held("hotel", "hotels")),
           together(troupe::saga::only_if<book_trip>(
               held("car", "cars"), [](const book_trip& wish) { return wish.car; })),
           troupe::saga::waits<approval>("approval", "approve", 48h, decision_in)},
      .answer = troupe::saga::project<book_trip>([](const book_trip&, const facts& known) {
        return trip_booked{known.saga, cents_of(known)};
      }),
      .accept = troupe::saga::decodable<book_trip>(),
      .undo = "cancel",
      .at_once = 1'000};
}

} // namespace travel

std::vector<troupe::actor_type> troupe::registered_types() {
  return {travel::places(), saga_type("trips", {travel::book()})};
}
