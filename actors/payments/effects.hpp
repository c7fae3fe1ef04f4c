#pragma once

#include "actors/payments/provider.hpp"
#include "runtime/wire/message.hpp"

#include <cstdint>
#include <string>

namespace troupe::payments {

/// The request of the effect `charge_card`. The key at the provider is the payment's id, not the
/// effect's, so that two calls that charge one order are one charge.
struct charge_card {
  uuid order_id;
  uuid payment_id;
  std::int64_t amount_cents = 0;
  std::string currency;
  std::string card;
};

TROUPE_MESSAGE(charge_card, order_id, payment_id, amount_cents, currency, card)

/// The request of the effect `refund_card`.
struct refund_card {
  charge_card charge;
  /// Whether the outcome of the charge is unknown: then it is queried before anything is paid back.
  bool ask_first = false;
};

TROUPE_MESSAGE(refund_card, charge, ask_first)

struct refund_result {
  /// False if there was no charge to pay back.
  bool refunded = false;
};

TROUPE_MESSAGE(refund_result, refunded)

/// Charges the card. Runs outside of turns, any number of times.
outcome<charge_result> carry_out(const charge_card& wanted, provider& with);

/// Pays back. The only way to learn an unknown outcome of a charge is to ask for the charge again
/// under its key, which charges no second time.
outcome<refund_result> carry_out(const refund_card& wanted, provider& with);

} // namespace troupe::payments
