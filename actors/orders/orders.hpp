#pragma once

#include "actors/multi_insert.hpp"
#include "actors/orders/messages.hpp"
#include "runtime/actor/actor.hpp"

namespace troupe::orders {

/// The shop's order book: created -> confirmed or cancelled, and nothing after that.
class orders_actor final : public actor {
public:
  explicit orders_actor(const context& context);

private:
  outcome<order_state> handle(const create_order& request, turn& turn) const;
  static outcome<order_state> handle(const confirm_order& request, turn& turn);
  static outcome<order_state> handle(const cancel_order& request, turn& turn);
  static outcome<order> handle(const get_order& request, store::database& session);

  shop::multi_insert add_lines_;
};

} // namespace troupe::orders
