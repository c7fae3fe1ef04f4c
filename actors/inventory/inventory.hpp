#pragma once

#include "actors/inventory/messages.hpp"
#include "actors/inventory/options.hpp"
#include "actors/multi_insert.hpp"
#include "runtime/actor/actor.hpp"
#include "runtime/actor/reservations.hpp"

namespace troupe::inventory {

/// The shelves: pieces, prices, and the orders that pieces are held for.
class inventory_actor final : public actor {
public:
  explicit inventory_actor(const context& context);

private:
  static outcome<stock_loaded> handle(const load_stock& request, turn& turn);
  static outcome<stock_level> handle(const get_stock& request, store::database& session);
  static outcome<stock_level> handle(const restock& request, turn& turn);
  outcome<stock_reserved> handle(const reserve_stock& request, turn& turn) const;
  outcome<stock_released> handle(const release_stock& request, turn& turn) const;

  /// Takes the pieces of `wanted` from the shelf, and publishes `stock.low` if few are left.
  bool take(const line& wanted, turn& turn) const;

  inventory_options options_;
  claims claims_{"claims", "order_id"};
  shop::multi_insert add_reservations_;
};

} // namespace troupe::inventory
