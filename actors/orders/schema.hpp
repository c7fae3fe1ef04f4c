#pragma once

#include "runtime/store/migrations.hpp"

#include <array>

namespace troupe::orders {

/// Writes events for orders from before event sourcing: `created`, and `confirmed` or
/// `cancelled` if the tables say so. Their time is that of the creation, their cause the order's
/// id.
void write_events_of_orders(store::database& session);

/// The tables for queries, derived from the events (life.hpp); they can be rebuilt at any time.
///
/// An order's id is the id of the call that placed it, the customer's idempotency key.
///
/// A cancelled order without a customer is the tombstone of a cancel that came before its create.
/// Lines have no foreign key: they are written in the turn of their order, and never changed.
inline constexpr std::array schema{
    store::migration{1, "orders and their lines", R"sql(
CREATE TABLE orders (
  order_id BLOB PRIMARY KEY,
  customer TEXT NOT NULL,
  currency TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state = 'created' OR state = 'confirmed' OR state = 'cancelled'),
  amount_cents BIGINT,
  payment_id BLOB,
  created_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE TABLE order_lines (
  order_id BLOB NOT NULL,
  sku TEXT NOT NULL,
  quantity BIGINT NOT NULL,
  PRIMARY KEY (order_id, sku)
) WITHOUT ROWID;
)sql"},
    store::migration{2, "events of orders from before", "", write_events_of_orders}};

} // namespace troupe::orders
