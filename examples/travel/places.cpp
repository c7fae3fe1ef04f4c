// The places that trips hold: flight seats, hotel rooms, cars.

#include "actors.hpp"
#include "messages.hpp"
#include "runtime/actor/actor.hpp"
#include "runtime/actor/reservations.hpp"

#include <array>

namespace travel {

namespace {

using troupe::outcome;
using troupe::turn;

constexpr std::array schema{
    troupe::store::migration{1, "places", R"sql(
CREATE TABLE places (name TEXT PRIMARY KEY, count BIGINT NOT NULL, cents BIGINT NOT NULL) WITHOUT ROWID;
)sql"},
    troupe::store::migration{2, "reservations", troupe::reserved_table}};

open_places left(troupe::store::database& session, const std::string& to) {
  open_places found{to, 0, 0};
  session.query(
      "SELECT count, cents FROM places WHERE name = $1",
      [&](const troupe::store::row& row) {
        found.count = row.integer(0);
        found.cents = row.integer(1);
      },
      to);
  return found;
}

void add(const std::string& to, int places, turn& turn) {
  turn.database().execute("UPDATE places SET count = count + $2 WHERE name = $1", to, places);
}

outcome<place_held> take(const hold_place& wanted, turn& turn) {
  const open_places there = left(turn.database(), wanted.to);
  if (there.count == 0) {
    return troupe::failure{troupe::rejected("none_left", "Nothing is left at " + wanted.to + ".")};
  }
  add(wanted.to, -1, turn);
  return place_held{there.cents};
}

class places_actor final : public troupe::actor {
public:
  explicit places_actor(const troupe::context&) {
    command("open", [](const open_places& some, turn& turn) {
      turn.database().execute(
          "INSERT INTO places (name, count, cents) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
          some.to,
          some.count,
          some.cents);
      return left(turn.database(), some.to);
    });
    command("hold", [this](const hold_place& wanted, turn& turn) {
      return held_.reserve(wanted.trip, wanted, turn);
    });
    command("free", [this](const free_place& undone, turn& turn) {
      held_.release(undone.trip, turn);
      return undone;
    });
    query("get", [](const get_places& asked, troupe::store::database& session) {
      return left(session, asked.to);
    });
  }

private:
  const troupe::reservations<hold_place, place_held> held_{
      "places", take, [](const hold_place& held, turn& turn) { add(held.to, 1, turn); }};
};

} // namespace

troupe::actor_type places() {
  return troupe::type_of<places_actor>("places", schema);
}

} // namespace travel
