#pragma once

#include "runtime/wire/operation.hpp"

#include <cstdint>
#include <string>

namespace travel {

using troupe::uuid;

/// `trips.book`: a flight, a hotel and, if wanted, a car. The trip's id is the call's.
struct book_trip {
  std::string traveller;
  std::string to;
  bool car = false;
};

TROUPE_MESSAGE(book_trip, traveller, to, car)

struct trip_booked {
  uuid trip;
  std::int64_t cents = 0;
};

TROUPE_MESSAGE(trip_booked, trip, cents)

/// `trips.approve`: a person's decision about a trip whose places are held.
struct approval {
  uuid trip;
  bool approved = false;
  std::string who;
};

TROUPE_MESSAGE(approval, trip, approved, who)

/// `open` of flights, hotels and cars: the number of places at a destination, and the price of one.
struct open_places {
  std::string to;
  std::int64_t count = 0;
  std::int64_t cents = 0;
};

TROUPE_MESSAGE(open_places, to, count, cents)

/// `hold`. Refused: `none_left`; and as described in troupe::reservations.
struct hold_place {
  uuid trip;
  std::string to;
};

TROUPE_MESSAGE(hold_place, trip, to)

struct place_held {
  std::int64_t cents = 0;
};

TROUPE_MESSAGE(place_held, cents)

/// `free`: undoes `hold`.
struct free_place {
  uuid trip;
};

TROUPE_MESSAGE(free_place, trip)

/// `get`: the places left; `count` is 0 where there were never any.
struct get_places {
  std::string to;
};

TROUPE_MESSAGE(get_places, to)

} // namespace travel
