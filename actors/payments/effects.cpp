#include "actors/payments/effects.hpp"

namespace troupe::payments {

namespace {

transfer transfer_of(const charge_card& wanted, const uuid& key) {
  return {
      .key = key,
      .order_id = wanted.order_id,
      .amount_cents = wanted.amount_cents,
      .currency = wanted.currency,
      .card = wanted.card};
}

} // namespace

outcome<charge_result> carry_out(const charge_card& wanted, provider& with) {
  return with.charge(transfer_of(wanted, wanted.payment_id));
}

outcome<refund_result> carry_out(const refund_card& wanted, provider& with) {
  if (wanted.ask_first) {
    TROUPE_TRY(auto charge, carry_out(wanted.charge, with));
    if (!charge.charged) {
      return refund_result{false};
    }
  }
  const uuid key = derived_id(wanted.charge.payment_id, "refund");
  TROUPE_CHECK(with.refund(transfer_of(wanted.charge, key)));
  return refund_result{true};
}

} // namespace troupe::payments
