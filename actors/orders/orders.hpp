#pragma once

#include "actors/orders/life.hpp"
#include "actors/orders/order_tables.hpp"
#include "runtime/actor/event_sourced.hpp"

namespace troupe::orders {

/// The shop's order book: created -> confirmed or cancelled, and nothing after that.
///
/// An order is what its events made it; the tables that queries read follow in the same turn.
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
