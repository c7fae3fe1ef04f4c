#include "actors/order_saga/order_saga.hpp"

#include "actors/inventory/messages.hpp"
#include "actors/order_saga/messages.hpp"
#include "actors/orders/messages.hpp"
#include "actors/payments/messages.hpp"

namespace troupe::order_saga {

namespace {

using saga::facts;
using saga::project;
using saga::result;
using saga::step;
using saga::step_kind;

// Retries of a step. With the default back-off (50 ms, doubled up to 2 s) ten of them pause for 8.4
// to 11.2 s in all, many times longer than the restart of a worker takes (about 1 s).
constexpr int retries = 10;

template <class Line>
std::vector<Line> lines_of(const place_order& wish) {
  std::vector<Line> lines;
  lines.reserve(wish.items.size());
  for (const item& each : wish.items) {
    lines.push_back({each.sku, each.quantity});
  }
  return lines;
}

orders::create_order order_of(const place_order& wish, const uuid& id) {
  return {id, wish.customer, wish.currency, lines_of<orders::line>(wish)};
}

/// The ordering key of an order's calls, which makes them go to the same replica.
std::string order_key(const facts& known) {
  return to_string(known.saga);
}

outcome<void> accept(std::string_view input) {
  TROUPE_TRY(const auto wish, wire::checked_decode<place_order>(input));
  return orders::check(order_of(wish, uuid{})).and_then([&] {
    return payments::check_card(wish.card);
  });
}

step create() {
  return {
      .name = "create",
      .capability = "orders",
      .operation = "create",
      .undo = "cancel",
      .kind = step_kind::compensatable,
      .retries = retries,
      .request = project<place_order>(
          [](const place_order& wish, const facts& known) { return order_of(wish, known.saga); }),
      .undo_request = project<place_order>(
          [](const place_order&, const facts& known) { return orders::cancel_order{known.saga}; }),
      .key = order_key};
}

/// The step has no ordering key: all replicas share the stock, and a given order comes here only
/// once or twice.
step reserve() {
  return {
      .name = "reserve",
      .capability = "inventory",
      .operation = "reserve",
      .undo = "release",
      .kind = step_kind::compensatable,
      .retries = retries,
      .request = project<place_order>([](const place_order& wish, const facts& known) {
        return inventory::reserve_stock{known.saga, wish.currency, lines_of<inventory::line>(wish)};
      }),
      .undo_request = project<place_order>([](const place_order&, const facts& known) {
        return inventory::release_stock{known.saga};
      }),
      .reply = &wire::message_shape_of<inventory::stock_reserved>()};
}

/// The pivot. Its undo is for a saga that times out before the outcome of the charge is known.
step charge() {
  return {
      .name = "charge",
      .capability = "payments",
      .operation = "charge",
      .undo = "refund",
      .kind = step_kind::pivot,
      .retries = retries,
      .request = project<place_order>(
          [](const place_order& wish,
             const facts& known,
             const inventory::stock_reserved& reserved) {
            return payments::charge_order{
                known.saga, reserved.total_cents, reserved.currency, wish.card};
          },
          result<inventory::stock_reserved>{"reserve"}),
      .undo_request = project<place_order>([](const place_order&, const facts& known) {
        return payments::refund_order{known.saga};
      }),
      .key = order_key,
      .reply = &wire::message_shape_of<payments::order_charged>()};
}

step confirm() {
  return {
      .name = "confirm",
      .capability = "orders",
      .operation = "confirm",
      .kind = step_kind::retriable,
      .request = project<place_order>(
          [](const place_order&, const facts& known, const payments::order_charged& charged) {
            return orders::confirm_order{known.saga, charged.amount_cents, charged.payment_id};
          },
          result<payments::order_charged>{"charge"}),
      .key = order_key};
}

} // namespace

saga::definition place() {
  return {
      .operation = "place",
      .deadline = milliseconds{10'000},
      .steps = {create(), reserve(), charge(), confirm()},
      .answer = project<place_order>(
          [](const place_order&, const facts& known, const payments::order_charged& charged) {
            return order_placed{
                known.saga, charged.amount_cents, charged.currency, charged.payment_id};
          },
          result<payments::order_charged>{"charge"}),
      .accept = accept};
}

} // namespace troupe::order_saga
