#include "actors/orders/orders.hpp"

#include "actors/money.hpp"

#include <algorithm>

namespace troupe::orders {

namespace {

error unknown_order(const uuid& id) {
  return rejected("unknown_order", "There is no order " + to_string(id) + ".");
}

error was_cancelled(const uuid& id) {
  return rejected("cancelled", "The order " + to_string(id) + " was cancelled.");
}

/// Whether a `create` repeats the creation of this order. The order of its lines does not matter.
constexpr std::int64_t listed_max = 10'000;

bool asks_for(const create_order& request, const standing& known) {
  const auto has_line = [&](const line& wanted) {
    return std::ranges::any_of(known.items, [&](const line& each) {
      return each.sku == wanted.sku && each.quantity == wanted.quantity;
    });
  };
  return request.customer == known.customer && request.currency == known.currency
         && request.items.size() == known.items.size()
         && std::ranges::all_of(request.items, has_line); // No SKU occurs twice.
}

order_list list(const list_orders& request, store::database& session) {
  order_list page;
  session.query(
      "SELECT order_id, state, currency, COALESCE(amount_cents, 0) FROM orders WHERE order_id > $1 "
      "ORDER BY order_id LIMIT $2",
      [&](const store::row& row) {
        page.orders.push_back(
            {row.id(0), std::string{row.text(1)}, std::string{row.text(2)}, row.integer(3)});
      },
      request.after.value_or(uuid{}),
      std::clamp<std::int64_t>(request.count, 1, listed_max));
  return page;
}

} // namespace

orders_actor::orders_actor(const context&) : event_sourced{order_tables{}} {
  command(
      "create", [this](const create_order& request, turn& turn) { return handle(request, turn); });
  command("confirm", [this](const confirm_order& request, turn& turn) {
    return handle(request, turn);
  });
  command(
      "cancel", [this](const cancel_order& request, turn& turn) { return handle(request, turn); });
  query("get", [](const get_order& request, store::database& session) {
    return handle(request, session);
  });
  query("list", [](const list_orders& request, store::database& session) {
    return list(request, session);
  });
  publishes<order_created>("order.created");
  publishes<order_confirmed>("order.confirmed");
  publishes<order_cancelled>("order.cancelled");
}

outcome<order_state> orders_actor::handle(const create_order& request, turn& turn) const {
  TROUPE_CHECK(check(request));
  // Nearly every order is new, so the event is recorded without reading first; a conflict writes
  // nothing.
  thing fresh{request.order_id};
  if (record(turn, fresh, created{request.customer, request.currency, request.items})) {
    turn.publish(
        "order.created",
        order_created{request.order_id, request.customer, request.currency, request.items},
        to_string(request.order_id));
    return order_state{request.order_id, "created"};
  }
  TROUPE_TRY(const auto known, load(turn, request.order_id));
  if (known.state().state == "cancelled") {
    return failure{was_cancelled(request.order_id)};
  }
  if (!asks_for(request, known.state())) {
    return failure{rejected(
        "created_otherwise",
        "The order " + to_string(request.order_id)
            + " was created with another customer, currency or lines.")};
  }
  return order_state{request.order_id, known.state().state};
}

outcome<order_state> orders_actor::handle(const confirm_order& request, turn& turn) const {
  if (!shop::is_amount(request.amount_cents)) {
    return failure{invalid("amount_cents: 1 to 1000000000000 are wanted")};
  }
  TROUPE_TRY(auto order, load(turn, request.order_id));
  const standing& now = order.state();
  if (now.state.empty()) {
    return failure{unknown_order(request.order_id)};
  }
  if (now.state == "cancelled") {
    return failure{was_cancelled(request.order_id)};
  }
  if (now.state == "confirmed") {
    // Repeating the same confirmation changes nothing; a different payment is refused.
    if (now.amount_cents == request.amount_cents && now.payment_id == request.payment_id) {
      return order_state{request.order_id, "confirmed"};
    }
    return failure{rejected(
        "confirmed_otherwise",
        "The order " + to_string(request.order_id) + " was confirmed with another payment.")};
  }
  TROUPE_CHECK(record(turn, order, confirmed{request.amount_cents, request.payment_id}));
  turn.publish(
      "order.confirmed",
      order_confirmed{
          request.order_id,
          now.customer,
          now.currency,
          now.items,
          request.amount_cents,
          request.payment_id},
      to_string(request.order_id));
  return order_state{request.order_id, "confirmed"};
}

outcome<order_state> orders_actor::handle(const cancel_order& request, turn& turn) const {
  TROUPE_TRY(auto order, load(turn, request.order_id));
  const std::string before = order.state().state;
  if (before == "confirmed") {
    return failure{rejected(
        "confirmed", "The order " + to_string(request.order_id) + " is confirmed already.")};
  }
  if (before != "cancelled") {
    TROUPE_CHECK(record(turn, order, cancelled{}));
  }
  if (before == "created") {
    // Only an order that was created was announced by an event; a tombstone was not.
    turn.publish(
        "order.cancelled",
        order_cancelled{request.order_id, order.state().customer},
        to_string(request.order_id));
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
