// The seats of shows: held for a booking, released, or issued.

#include "actors.hpp"
#include "messages.hpp"
#include "runtime/actor/actor.hpp"
#include "runtime/actor/reservations.hpp"

#include <array>

namespace booking {

namespace {

using troupe::outcome;
using troupe::turn;

constexpr std::array schema{
    troupe::store::migration{1, "shows", R"sql(
CREATE TABLE shows (name TEXT PRIMARY KEY, seats BIGINT NOT NULL, cents BIGINT NOT NULL) WITHOUT ROWID;
CREATE TABLE issued (booking BLOB PRIMARY KEY, show TEXT NOT NULL) WITHOUT ROWID;
)sql"},
    troupe::store::migration{2, "reservations", troupe::reserved_table}};

amount left(troupe::store::database& session, const std::string& show) {
  return {
      session.integer_of("SELECT seats FROM shows WHERE name = $1", show).value_or(-1),
      session.integer_of("SELECT cents FROM shows WHERE name = $1", show).value_or(0)};
}

outcome<seats_held> take(const hold_seats& wanted, turn& turn) {
  const amount there = left(turn.database(), wanted.show);
  if (there.count < 0) {
    return troupe::failure{troupe::rejected("unknown_show", "There is no " + wanted.show + ".")};
  }
  if (wanted.seats < 1 || there.count < wanted.seats) {
    return troupe::failure{
        troupe::rejected("sold_out", std::to_string(there.count) + " are left.")};
  }
  turn.database().execute(
      "UPDATE shows SET seats = seats - $2 WHERE name = $1", wanted.show, wanted.seats);
  return seats_held{wanted.seats * there.cents};
}

void give_back(const hold_seats& held, turn& turn) {
  turn.database().execute(
      "UPDATE shows SET seats = seats + $2 WHERE name = $1", held.show, held.seats);
}

class tickets_actor final : public troupe::actor {
public:
  explicit tickets_actor(const troupe::context&) {
    command("open", [](const open_show& show, turn& turn) {
      turn.database().execute(
          "INSERT INTO shows (name, seats, cents) VALUES ($1, $2, $3) ON CONFLICT (name) DO "
          "NOTHING",
          show.show,
          show.seats,
          show.cents);
      return left(turn.database(), show.show);
    });
    command("hold", [this](const hold_seats& wanted, turn& turn) {
      return seats_.reserve(wanted.booking, wanted, turn);
    });
    command("release", [this](const undo_booking& undone, turn& turn) {
      seats_.release(undone.booking, turn);
      return undone;
    });
    publishes<issue_ticket>("ticket.issued");
    command("issue", [](const issue_ticket& ticket, turn& turn) {
      if (turn.database().execute(
              "INSERT INTO issued (booking, show) VALUES ($1, $2) ON CONFLICT (booking) DO NOTHING",
              ticket.booking,
              ticket.show)
          != 0) {
        turn.publish("ticket.issued", ticket, ticket.show);
      }
      return ticket;
    });
    query("get", [](const get_of& show, troupe::store::database& session) {
      return left(session, show.name);
    });
  }

private:
  const troupe::reservations<hold_seats, seats_held> seats_{"seats", take, give_back};
};

} // namespace

troupe::actor_type tickets() {
  return troupe::type_of<tickets_actor>("tickets", schema);
}

} // namespace booking
