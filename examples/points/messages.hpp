#pragma once

#include "runtime/wire/message.hpp"

#include <cstdint>
#include <string>

namespace points {

/// `add`: 1 to 1,000,000 points for a customer.
struct add_points {
  std::string customer;
  std::int64_t points = 0;
};

TROUPE_MESSAGE(add_points, customer, points)

/// `get`: the points of a customer.
struct get_points {
  std::string customer;
};

TROUPE_MESSAGE(get_points, customer)

/// The answer to both operations. A customer who never got points has 0.
struct balance {
  std::string customer;
  std::int64_t points = 0;
};

TROUPE_MESSAGE(balance, customer, points)

/// The fields of the event `order.confirmed` that matter here; others are skipped.
struct order_confirmed {
  std::string customer;
  std::int64_t amount_cents = 0;
};

TROUPE_MESSAGE(order_confirmed, customer, amount_cents)

} // namespace points
