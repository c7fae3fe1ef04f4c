#pragma once

#include "runtime/outcome.hpp"
#include "runtime/wire/message.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::payments {

/// `charge`: makes the one payment of an order; a repeat gets the same payment. Refused:
/// `payment_declined`; `other_amount` or `other_card` if the payment differs from the
/// request; `cancelled` if the order was refunded before.
struct charge_order {
  uuid order_id;
  std::int64_t amount_cents = 0;
  std::string currency;
  /// The provider's token for a card, never a card's number.
  std::string card;
};

TROUPE_MESSAGE(charge_order, order_id, amount_cents, currency, card)

/// Checks the token for `charge`: 1 to 128 bytes. @errors `invalid`.
outcome<void> check_card(const std::string& card);

struct order_charged {
  uuid order_id;
  uuid payment_id;
  std::int64_t amount_cents = 0;
  std::string currency;
};

TROUPE_MESSAGE(order_charged, order_id, payment_id, amount_cents, currency)

/// `refund`: pays back all that the order was charged. Before `charge` it leaves a tombstone, for
/// which `charge` is refused.
struct refund_order {
  uuid order_id;
};

TROUPE_MESSAGE(refund_order, order_id)

struct order_refunded {
  uuid order_id;
  /// The amount paid back; 0 if nothing had been charged.
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
  /// A state of schema.hpp.
  std::string state;
};

TROUPE_MESSAGE(payment, order_id, payment_id, amount_cents, currency, card, state)

/// `list`: payments in the order of their orders' ids, for reconciliation. 1 to 10,000 at once.
struct list_payments {
  /// The order after which the answer begins.
  std::optional<uuid> after{};
  std::int64_t count = 1'000;
};

TROUPE_MESSAGE(list_payments, after, count)

struct listed_payment {
  uuid order_id;
  /// A state of schema.hpp.
  std::string state;
  std::string currency;
  /// The money that moved, by the ledger.
  std::int64_t captured_cents = 0;
  std::int64_t refunded_cents = 0;
};

TROUPE_MESSAGE(listed_payment, order_id, state, currency, captured_cents, refunded_cents)

/// The payments; empty after the last order.
struct payment_list {
  std::vector<listed_payment> payments;
};

TROUPE_MESSAGE(payment_list, payments)

} // namespace troupe::payments
