#pragma once

#include "runtime/outcome.hpp"
#include "runtime/wire/message.hpp"

#include <cstdint>
#include <string>

namespace troupe::payments {

/// `charge`: one payment for each order; asking again gets the same one.
/// Refused: `payment_declined`, `other_amount`; `cancelled` if the order was refunded before.
struct charge_order {
  uuid order_id;
  std::int64_t amount_cents = 0;
  std::string currency;
  /// The provider's token for a card, never a card's number.
  std::string card;
};

TROUPE_MESSAGE(charge_order, order_id, amount_cents, currency, card)

/// What `charge` wants of a token: 1 to 128 bytes. @errors `invalid`.
outcome<void> check_card(const std::string& card);

struct order_charged {
  uuid order_id;
  uuid payment_id;
  std::int64_t amount_cents = 0;
  std::string currency;
};

TROUPE_MESSAGE(order_charged, order_id, payment_id, amount_cents, currency)

/// `refund`: pays back what the order was charged, all of it; of an order that was not charged,
/// sees to it that it never will be.
struct refund_order {
  uuid order_id;
};

TROUPE_MESSAGE(refund_order, order_id)

struct order_refunded {
  uuid order_id;
  /// 0 if there was nothing to pay back.
  std::int64_t amount_cents = 0;
};

TROUPE_MESSAGE(order_refunded, order_id, amount_cents)

/// `get`. Refused: `unknown_payment`.
struct get_payment {
  uuid order_id;
};

TROUPE_MESSAGE(get_payment, order_id)

struct payment {
  uuid order_id;
  uuid payment_id;
  std::int64_t amount_cents = 0;
  std::string currency;
  std::string card;
  /// See schema.hpp.
  std::string state;
};

TROUPE_MESSAGE(payment, order_id, payment_id, amount_cents, currency, card, state)

} // namespace troupe::payments
