#pragma once

#include "actors/orders/life.hpp"
#include "actors/orders/order_tables.hpp"
#include "runtime/actor/event_sourced.hpp"

namespace troupe::orders {

/// The shop's order book. An order is created, then confirmed or cancelled, which is final.
///
/// The state of an order is derived from its events; the tables for queries are written in the same
/// turn.
class orders_actor final : public event_sourced<order_life, order_tables> {
public:
  explicit orders_actor(const context& context);

private:
  outcome<order_state> handle(const create_order& request, turn& turn) const;
  outcome<order_state> handle(const confirm_order& request, turn& turn) const;
  outcome<order_state> handle(const cancel_order& request, turn& turn) const;
  static outcome<order> handle(const get_order& request, store::database& session);
};

} // namespace troupe::orders
