#pragma once

#include "actors/multi_insert.hpp"
#include "actors/orders/life.hpp"
#include "runtime/actor/event_sourced.hpp"

namespace troupe::orders {

/// Writes the tables `orders` and `order_lines` from the events of orders.
class order_tables {
public:
  order_tables();

  void project(store::database& session, const event_place& place, const created& event) const;
  void project(store::database& session, const event_place& place, const confirmed& event) const;
  void project(store::database& session, const event_place& place, const cancelled& event) const;
  void clear(store::database& session, const uuid& after, const uuid& upto) const;

private:
  shop::multi_insert add_lines_;
};

} // namespace troupe::orders
