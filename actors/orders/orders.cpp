#include "actors/orders/orders.hpp"

#include "actors/money.hpp"

namespace troupe::orders {

namespace {

std::int64_t millis(wall_time time) {
  return std::chrono::duration_cast<milliseconds>(time.time_since_epoch()).count();
}

error unknown_order(const uuid& id) {
  return rejected("unknown_order", "There is no order " + to_string(id) + ".");
}

error cancelled(const uuid& id) {
  return rejected("cancelled", "The order " + to_string(id) + " was cancelled.");
}

std::optional<std::string> state_of(store::database& session, const uuid& id) {
  return session.text_of("SELECT state FROM orders WHERE order_id = $1", id);
}

} // namespace

orders_actor::orders_actor(const context&)
    : add_lines_{"order_lines (order_id, sku, quantity)", 2, shop::lines_max} {
  command(
      "create", [this](const create_order& request, turn& turn) { return handle(request, turn); });
  command(
      "confirm", [](const confirm_order& request, turn& turn) { return handle(request, turn); });
  command("cancel", [](const cancel_order& request, turn& turn) { return handle(request, turn); });
  query("get", [](const get_order& request, store::database& session) {
    return handle(request, session);
  });
}

outcome<order_state> orders_actor::handle(const create_order& request, turn& turn) const {
  if (auto checked = check(request); !checked) {
    return failure{std::move(checked).error()};
  }
  store::database& session = turn.database();
  const auto added = session.execute(
      "INSERT INTO orders (order_id, customer, currency, state, created_at) "
      "VALUES ($1, $2, $3, 'created', $4) ON CONFLICT (order_id) DO NOTHING",
      request.order_id,
      request.customer,
      request.currency,
      millis(turn.now()));
  if (added == 0) {
    const auto state = state_of(session, request.order_id);
    if (state == "cancelled") {
      return failure{cancelled(request.order_id)};
    }
    return order_state{request.order_id, state.value_or("created")};
  }
  std::vector<store::value> rows;
  rows.reserve(2 * request.items.size());
  for (const line& each : request.items) {
    rows.insert(rows.end(), {std::string_view{each.sku}, each.quantity});
  }
  add_lines_.run(session, request.order_id, rows);
  return order_state{request.order_id, "created"};
}

outcome<order_state> orders_actor::handle(const confirm_order& request, turn& turn) {
  if (!shop::is_amount(request.amount_cents)) {
    return failure{invalid("amount_cents: 1 to 1000000000000 are wanted")};
  }
  store::database& session = turn.database();
  // Saying it again changes nothing; saying something else is refused.
  const auto confirmed = session.execute(
      "UPDATE orders SET state = 'confirmed', amount_cents = $2, payment_id = $3 "
      "WHERE order_id = $1 AND (state = 'created' "
      "OR (state = 'confirmed' AND amount_cents = $2 AND payment_id = $3))",
      request.order_id,
      request.amount_cents,
      request.payment_id);
  if (confirmed != 0) {
    return order_state{request.order_id, "confirmed"};
  }
  const auto state = state_of(session, request.order_id);
  if (!state) {
    return failure{unknown_order(request.order_id)};
  }
  if (state == "cancelled") {
    return failure{cancelled(request.order_id)};
  }
  return failure{rejected(
      "confirmed_otherwise",
      "The order " + to_string(request.order_id) + " was confirmed with another payment.")};
}

outcome<order_state> orders_actor::handle(const cancel_order& request, turn& turn) {
  const auto cancelled = turn.database().execute(
      "INSERT INTO orders (order_id, customer, currency, state, created_at) "
      "VALUES ($1, '', '', 'cancelled', $2) "
      "ON CONFLICT (order_id) DO UPDATE SET state = 'cancelled' WHERE orders.state <> 'confirmed'",
      request.order_id,
      millis(turn.now()));
  if (cancelled == 0) {
    return failure{rejected(
        "confirmed", "The order " + to_string(request.order_id) + " is confirmed already.")};
  }
  return order_state{request.order_id, "cancelled"};
}

outcome<order> orders_actor::handle(const get_order& request, store::database& session) {
  outcome<order> found = failure{unknown_order(request.order_id)};
  session.query(
      "SELECT customer, currency, state, amount_cents, payment_id FROM orders WHERE order_id = $1",
      [&](const store::row& row) {
        order read;
        read.order_id = request.order_id;
        read.customer = row.text(0);
        read.currency = row.text(1);
        read.state = row.text(2);
        if (!row.is_null(3)) {
          read.amount_cents = row.integer(3);
          read.payment_id = row.id(4);
        }
        found = std::move(read);
      },
      request.order_id);
  if (found) {
    session.query(
        "SELECT sku, quantity FROM order_lines WHERE order_id = $1 ORDER BY sku",
        [&](const store::row& row) {
          found->items.push_back({std::string{row.text(0)}, row.integer(1)});
        },
        request.order_id);
  }
  return found;
}

} // namespace troupe::orders
