#include "actors/orders/life.hpp"

namespace troupe::orders {

standing order_life::apply(standing now, const created& event) {
  now.state = "created";
  now.customer = event.customer;
  now.currency = event.currency;
  now.items = event.items;
  return now;
}

standing order_life::apply(standing now, const confirmed& event) {
  now.state = "confirmed";
  now.amount_cents = event.amount_cents;
  now.payment_id = event.payment_id;
  return now;
}

standing order_life::apply(standing now, const cancelled&) {
  now.state = "cancelled";
  return now;
}

} // namespace troupe::orders
