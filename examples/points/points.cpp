// Loyalty points: a capability outside of Troupe's source tree.

#include "messages.hpp"
#include "runtime/actor/actor.hpp"
#include "runtime/actor/registry.hpp"

#include <array>

namespace points {

namespace {

constexpr std::int64_t points_max = 1'000'000;
constexpr std::int64_t cents_of_a_point = 100;

constexpr std::array schema{troupe::store::migration{1, "balances", R"sql(
CREATE TABLE balances (customer TEXT PRIMARY KEY, points BIGINT NOT NULL) WITHOUT ROWID;
)sql"}};

void give(troupe::turn& turn, const std::string& customer, std::int64_t points) {
  turn.database().execute(
      "INSERT INTO balances (customer, points) VALUES ($1, $2) "
      "ON CONFLICT (customer) DO UPDATE SET points = balances.points + excluded.points",
      customer,
      points);
}

balance balance_of(troupe::store::database& session, const std::string& customer) {
  balance found{customer};
  session.query(
      "SELECT points FROM balances WHERE customer = $1",
      [&](const troupe::store::row& row) { found.points = row.integer(0); },
      customer);
  return found;
}

class points_actor final : public troupe::actor {
public:
  explicit points_actor(const troupe::context&) {
    command("add", [](const add_points& request, troupe::turn& turn) -> troupe::outcome<balance> {
      if (request.points < 1 || request.points > points_max) {
        return troupe::failure{troupe::invalid("points: 1 to 1,000,000 are wanted")};
      }
      give(turn, request.customer, request.points);
      return balance_of(turn.database(), request.customer);
    });
    query("get", [](const get_points& request, troupe::store::database& session) {
      return balance_of(session, request.customer);
    });
    on("order.confirmed", [](const order_confirmed& event, troupe::turn& turn) {
      give(turn, event.customer, event.amount_cents / cents_of_a_point);
    });
  }
};

} // namespace

} // namespace points

std::vector<troupe::actor_type> troupe::registered_types() {
  return {type_of<points::points_actor>("points", points::schema)};
}
