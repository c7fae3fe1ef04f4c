#pragma once

#include "runtime/outcome.hpp"
#include "runtime/wire/message.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::orders {

struct line {
  std::string sku;
  std::int64_t quantity = 0;
};

TROUPE_MESSAGE(line, sku, quantity)

/// `create`; a repeat gets the state of the order. Refused: `created_otherwise`, if the order was
/// created with another customer, currency or lines; `cancelled`, if it was cancelled before.
struct create_order {
  uuid order_id;
  std::string customer;
  std::string currency;
  std::vector<line> items;
};

TROUPE_MESSAGE(create_order, order_id, customer, currency, items)

/// Checks what `create` requires: a customer of 1 to 200 bytes, a currency, and 1 to 32 lines of 1
/// to 1,000,000 pieces with no SKU twice. The order saga checks this before its first step.
/// @errors `invalid`.
outcome<void> check(const create_order& request);

/// `confirm`: the order is paid for. Refused: `unknown_order`, `cancelled`, `confirmed_otherwise`.
struct confirm_order {
  uuid order_id;
  std::int64_t amount_cents = 0;
  uuid payment_id;
};

TROUPE_MESSAGE(confirm_order, order_id, amount_cents, payment_id)

/// `cancel`. Before `create` it leaves a tombstone, for which `create` is refused. Refused:
/// `confirmed`.
struct cancel_order {
  uuid order_id;
};

TROUPE_MESSAGE(cancel_order, order_id)

/// The answer to `create`, `confirm` and `cancel`.
struct order_state {
  uuid order_id;
  /// "created", "confirmed" or "cancelled".
  std::string state;
};

TROUPE_MESSAGE(order_state, order_id, state)

/// `get`. Refused: `unknown_order`.
struct get_order {
  uuid order_id;
};

TROUPE_MESSAGE(get_order, order_id)

struct order {
  uuid order_id;
  std::string customer;
  std::string currency;
  std::string state;
  std::vector<line> items;
  /// The amount; absent until the order is confirmed.
  std::optional<std::int64_t> amount_cents;
  std::optional<uuid> payment_id;
};

TROUPE_MESSAGE(order, order_id, customer, currency, state, items, amount_cents, payment_id)

/// `list`: orders in the order of their ids, for reconciliation. 1 to 10,000 at once.
struct list_orders {
  /// The order after which the answer begins.
  std::optional<uuid> after{};
  std::int64_t count = 1'000;
};

TROUPE_MESSAGE(list_orders, after, count)

struct listed_order {
  uuid order_id;
  std::string state;
  std::string currency;
  /// 0 until the order is confirmed.
  std::int64_t amount_cents = 0;
};

TROUPE_MESSAGE(listed_order, order_id, state, currency, amount_cents)

/// The orders; empty after the last one.
struct order_list {
  std::vector<listed_order> orders;
};

TROUPE_MESSAGE(order_list, orders)

/// The event on `order.created`. The key of this and the next two events is the order's id.
struct order_created {
  uuid order_id;
  std::string customer;
  std::string currency;
  std::vector<line> items;
};

TROUPE_MESSAGE(order_created, order_id, customer, currency, items)

/// The event on `order.confirmed`, with all that subscribers need, so that none calls back.
struct order_confirmed {
  uuid order_id;
  std::string customer;
  std::string currency;
  std::vector<line> items;
  std::int64_t amount_cents = 0;
  uuid payment_id;
};

TROUPE_MESSAGE(order_confirmed, order_id, customer, currency, items, amount_cents, payment_id)

/// The event on `order.cancelled`, for an order that had been created.
struct order_cancelled {
  uuid order_id;
  std::string customer;
};

TROUPE_MESSAGE(order_cancelled, order_id, customer)

} // namespace troupe::orders
