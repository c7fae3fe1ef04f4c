#pragma once

#include "actors/payments/provider.hpp"
#include "runtime/wire/message.hpp"

#include <cstdint>
#include <string>

namespace troupe::payments {

/// What the effect `charge_card` is told. The key at the provider is the payment's id, not the
/// effect's: two calls that charge one order are one charge.
struct charge_card {
  uuid order_id;
  uuid payment_id;
  std::int64_t amount_cents = 0;
  std::string currency;
  std::string card;
};

TROUPE_MESSAGE(charge_card, order_id, payment_id, amount_cents, currency, card)

/// What the effect `refund_card` is told.
struct refund_card {
  charge_card charge;
  /// It is not known what became of the charge: ask before anything is paid back.
  bool ask_first = false;
};

TROUPE_MESSAGE(refund_card, charge, ask_first)

struct refund_result {
  /// False if there had been no charge.
  bool refunded = false;
};

TROUPE_MESSAGE(refund_result, refunded)

/// Moves the money. Run outside of turns, any number of times.
outcome<charge_result> carry_out(const charge_card& wanted, provider& with);

/// Pays back. Of a charge whose outcome is unknown the only way to learn it is to ask for it again
/// under its key, which charges no second time.
outcome<refund_result> carry_out(const refund_card& wanted, provider& with);

} // namespace troupe::payments
