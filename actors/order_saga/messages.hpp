#pragma once

#include "runtime/wire/message.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe::order_saga {

struct item {
  std::string sku;
  std::int64_t quantity = 0;
};

TROUPE_MESSAGE(item, sku, quantity)

/// `place`. The order's id is the id of this call, so that a repeat places nothing twice.
///
/// Refused with the reason of the step that refused: `unknown_sku`, `other_currency`,
/// `out_of_stock`, `too_expensive`, `payment_declined`.
struct place_order {
  /// A user's id, a mail address or a name.
  std::string customer;
  std::vector<item> items;
  std::string currency;
  /// The payment provider's token for a card.
  std::string card;
};

TROUPE_MESSAGE(place_order, customer, items, currency, card)

struct order_placed {
  uuid order_id;
  std::int64_t total_cents = 0;
  std::string currency;
  uuid payment_id;
};

TROUPE_MESSAGE(order_placed, order_id, total_cents, currency, payment_id)

} // namespace troupe::order_saga
