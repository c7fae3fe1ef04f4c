#pragma once

#include "actors/payments/effects.hpp"
#include "actors/payments/messages.hpp"
#include "runtime/actor/actor.hpp"
#include "runtime/actor/reservations.hpp"

#include <memory>

namespace troupe::payments {

/// The payments of orders. A provider moves the money, in effects.
///
/// A command records the intent and asks for the effect. When the provider has answered, `settle`
/// records the result, and answers the call.
class payments_actor final : public actor {
public:
  explicit payments_actor(const context& context);

private:
  outcome<maybe_later<order_charged>> handle(const charge_order& request, turn& turn) const;
  outcome<maybe_later<order_refunded>> handle(const refund_order& request, turn& turn) const;
  static outcome<payment> handle(const get_payment& request, store::database& session);

  static outcome<order_charged>
  settle(const charge_card& wanted, const outcome<charge_result>& result, turn& turn);
  static outcome<order_refunded>
  settle(const refund_card& wanted, const outcome<refund_result>& result, turn& turn);

  // One payment for each order, made by its charge or its refund, whichever comes first.
  const claims claims_{
      "payments", "order_id", {"payment_id", "amount_cents", "currency", "card", "state"}};
  std::unique_ptr<provider> provider_;
};

} // namespace troupe::payments
