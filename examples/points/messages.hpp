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

/// `get`
struct get_points {
  std::string customer;
};

TROUPE_MESSAGE(get_points, customer)

/// The answer to both. Who never got any has none.
struct balance {
  std::string customer;
  std::int64_t points = 0;
};

TROUPE_MESSAGE(balance, customer, points)

/// What matters here of the event `order.confirmed`; what else there is in it is passed over.
struct order_confirmed {
  std::string customer;
  std::int64_t amount_cents = 0;
};

TROUPE_MESSAGE(order_confirmed, customer, amount_cents)

} // namespace points
