// The money of customers: paid in, paid for a booking, refunded.

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
    troupe::store::migration{1, "wallets", R"sql(
CREATE TABLE wallets (customer TEXT PRIMARY KEY, cents BIGINT NOT NULL) WITHOUT ROWID;
)sql"},
    troupe::store::migration{2, "reservations", troupe::reserved_table}};

void add(troupe::store::database& session, const std::string& customer, std::int64_t cents) {
  session.execute(
      "INSERT INTO wallets (customer, cents) VALUES ($1, $2) "
      "ON CONFLICT (customer) DO UPDATE SET cents = wallets.cents + excluded.cents",
      customer,
      cents);
}

amount in_wallet(troupe::store::database& session, const std::string& customer) {
  return {
      0, session.integer_of("SELECT cents FROM wallets WHERE customer = $1", customer).value_or(0)};
}

outcome<amount> take(const pay& wanted, turn& turn) {
  const amount there = in_wallet(turn.database(), wanted.customer);
  if (there.cents < wanted.cents) {
    return troupe::failure{troupe::rejected(
        "too_little_money", wanted.customer + " has " + std::to_string(there.cents) + " cents.")};
  }
  add(turn.database(), wanted.customer, -wanted.cents);
  return amount{0, wanted.cents};
}

class wallet_actor final : public troupe::actor {
public:
  explicit wallet_actor(const troupe::context&) {
    command("put", [](const put_money& money, turn& turn) -> outcome<amount> {
      if (money.cents < 1) {
        return troupe::failure{troupe::invalid("cents: 1 or more are wanted")};
      }
      add(turn.database(), money.customer, money.cents);
      return in_wallet(turn.database(), money.customer);
    });
    command("pay", [this](const pay& wanted, turn& turn) {
      return payments_.reserve(wanted.booking, wanted, turn);
    });
    command("give_back", [this](const undo_booking& undone, turn& turn) {
      payments_.release(undone.booking, turn);
      return undone;
    });
    query("get", [](const get_of& customer, troupe::store::database& session) {
      return in_wallet(session, customer.name);
    });
  }

private:
  const troupe::reservations<pay, amount> payments_{
      "payments", take, [](const pay& paid, turn& turn) {
        add(turn.database(), paid.customer, paid.cents);
      }};
};

} // namespace

troupe::actor_type wallet() {
  return troupe::type_of<wallet_actor>("wallet", schema);
}

} // namespace booking
