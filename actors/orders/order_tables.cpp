#include "actors/orders/order_tables.hpp"

#include "actors/money.hpp"
#include "runtime/time_text.hpp"

namespace troupe::orders {

order_tables::order_tables()
    : add_lines_{"order_lines (order_id, sku, quantity)", 2, shop::lines_max} {
}

void order_tables::project(
    store::database& session, const event_place& place, const created& event) const {
  session.execute(
      "INSERT INTO orders (order_id, customer, currency, state, created_at) "
      "VALUES ($1, $2, $3, 'created', $4)",
      place.id,
      event.customer,
      event.currency,
      unix_millis(place.at));
  std::vector<store::value> rows;
  rows.reserve(2 * event.items.size());
  for (const line& each : event.items) {
    rows.insert(rows.end(), {std::string_view{each.sku}, each.quantity});
  }
  add_lines_.run(session, place.id, rows);
}

void order_tables::project(
    store::database& session, const event_place& place, const confirmed& event) const {
  session.execute(
      "UPDATE orders SET state = 'confirmed', amount_cents = $2, payment_id = $3 "
      "WHERE order_id = $1",
      place.id,
      event.amount_cents,
      event.payment_id);
}

void order_tables::project(
    store::database& session, const event_place& place, const cancelled&) const {
  session.execute(
      "INSERT INTO orders (order_id, customer, currency, state, created_at) "
      "VALUES ($1, '', '', 'cancelled', $2) "
      "ON CONFLICT (order_id) DO UPDATE SET state = 'cancelled'",
      place.id,
      unix_millis(place.at));
}

void order_tables::clear(store::database& session, const uuid& after, const uuid& upto) const {
  session.execute("DELETE FROM order_lines WHERE order_id > $1 AND order_id <= $2", after, upto);
  session.execute("DELETE FROM orders WHERE order_id > $1 AND order_id <= $2", after, upto);
}

} // namespace troupe::orders
