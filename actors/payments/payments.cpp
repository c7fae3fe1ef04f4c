#include "actors/payments/payments.hpp"

#include "actors/money.hpp"

#include <algorithm>

namespace troupe::payments {

namespace {

outcome<void> check(const charge_order& request) {
  if (!shop::is_amount(request.amount_cents)) {
    return failure{invalid("amount_cents: 1 to 1000000000000 are wanted")};
  }
  if (!shop::is_currency(request.currency)) {
    return failure{invalid("currency: three capital letters are wanted")};
  }
  return check_card(request.card);
}

error declined(const uuid& order, std::int64_t cents, const std::string& currency) {
  return rejected(
      "payment_declined",
      "The card was not charged " + std::to_string(cents) + " cents (" + currency + ") for order "
          + to_string(order) + ": the provider declined.");
}

std::optional<payment> find_payment(store::database& session, const uuid& order) {
  std::optional<payment> found;
  session.query(
      "SELECT payment_id, amount_cents, currency, card, state FROM payments WHERE order_id = $1",
      [&](const store::row& row) {
        found = payment{
            order,
            row.id(0),
            row.integer(1),
            std::string{row.text(2)},
            std::string{row.text(3)},
            std::string{row.text(4)}};
      },
      order);
  return found;
}

constexpr std::int64_t listed_max = 10'000;

payment_list list(const list_payments& request, store::database& session) {
  payment_list page;
  session.query(
      "SELECT p.order_id, p.state, p.currency, COALESCE(c.amount_cents, 0), "
      "COALESCE(r.amount_cents, 0) FROM payments p "
      "LEFT JOIN ledger c ON c.order_id = p.order_id AND c.kind = 'capture' "
      "LEFT JOIN ledger r ON r.order_id = p.order_id AND r.kind = 'refund' "
      "WHERE p.order_id > $1 ORDER BY p.order_id LIMIT $2",
      [&](const store::row& row) {
        page.payments.push_back(
            {row.id(0),
             std::string{row.text(1)},
             std::string{row.text(2)},
             row.integer(3),
             row.integer(4)});
      },
      request.after.value_or(uuid{}),
      std::clamp<std::int64_t>(request.count, 1, listed_max));
  return page;
}

charge_card charge_of(const payment& known) {
  return {known.order_id, known.payment_id, known.amount_cents, known.currency, known.card};
}

order_charged charged(const payment& known) {
  return {known.order_id, known.payment_id, known.amount_cents, known.currency};
}

void add_to_ledger(
    store::database& session, const uuid& order, std::string_view kind, std::int64_t cents) {
  session.execute(
      "INSERT INTO ledger (order_id, kind, amount_cents) VALUES ($1, $2, $3)", order, kind, cents);
}

/// The answer to another charge of an order that has a payment already.
outcome<maybe_later<order_charged>>
charge_again(const charge_order& request, const payment& known, turn& turn) {
  if (known.state == "refunding" || known.state == "refunded" || known.state == "cancelled") {
    return failure{already_undone(request.order_id)};
  }
  if (known.amount_cents != request.amount_cents || known.currency != request.currency) {
    return failure{rejected(
        "other_amount",
        "Order " + to_string(request.order_id) + " has a payment of "
            + std::to_string(known.amount_cents) + " cents (" + known.currency + ").")};
  }
  if (known.card != request.card) {
    return failure{rejected(
        "other_card", "Order " + to_string(request.order_id) + " has a payment by another card.")};
  }
  if (known.state == "charged") {
    return charged(known);
  }
  if (known.state == "declined") {
    return failure{declined(known.order_id, known.amount_cents, known.currency)};
  }
  // An effect of another call is running. This call's effect uses the same key, so that nothing is
  // charged twice; the first to settle records the charge.
  return turn.effect("charge_card", charge_of(known));
}

} // namespace

payments_actor::payments_actor(const context& context)
    : provider_{make_provider(context.config<payments_options>().provider, context.folder)} {
  command(
      "charge", [this](const charge_order& request, turn& turn) { return handle(request, turn); });
  command(
      "refund", [this](const refund_order& request, turn& turn) { return handle(request, turn); });
  query("list", [](const list_payments& request, store::database& session) {
    return list(request, session);
  });
  query("get", [](const get_payment& request, store::database& session) {
    return handle(request, session);
  });
  effect<charge_result>(
      "charge_card",
      [this](const charge_card& wanted, const effect_call&) {
        return carry_out(wanted, *provider_);
      },
      [](const charge_card& wanted, const outcome<charge_result>& result, turn& turn) {
        return settle(wanted, result, turn);
      });
  effect<refund_result>(
      "refund_card",
      [this](const refund_card& wanted, const effect_call&) {
        return carry_out(wanted, *provider_);
      },
      [](const refund_card& wanted, const outcome<refund_result>& result, turn& turn) {
        return settle(wanted, result, turn);
      });
}

outcome<maybe_later<order_charged>>
payments_actor::handle(const charge_order& request, turn& turn) const {
  TROUPE_CHECK(check(request));
  store::database& session = turn.database();
  const charge_card first{
      request.order_id, turn.id(), request.amount_cents, request.currency, request.card};
  if (claims_.is_first(
          first.order_id,
          turn,
          first.payment_id,
          first.amount_cents,
          first.currency,
          first.card,
          "charging")) {
    return turn.effect("charge_card", first);
  }
  const auto known = find_payment(session, request.order_id);
  return charge_again(request, known.value(), turn);
}

outcome<order_charged> payments_actor::settle(
    const charge_card& wanted, const outcome<charge_result>& result, turn& turn) {
  if (!result) {
    // The row stays `charging`: whether money moved is unknown until somebody asks again.
    return failure{result.error()};
  }
  store::database& session = turn.database();
  const auto moved = session.execute(
      "UPDATE payments SET state = $2, provider_ref = $3 "
      "WHERE order_id = $1 AND state = 'charging'",
      wanted.order_id,
      result->charged ? "charged" : "declined",
      result->reference);
  if (moved == 0) {
    // The effect of another call was faster, or a refund has taken over the payment and will write
    // the ledger as well.
    const auto known = find_payment(session, wanted.order_id);
    if (!known || (known->state != "charged" && known->state != "declined")) {
      return failure{already_undone(wanted.order_id)};
    }
  } else if (result->charged) {
    add_to_ledger(session, wanted.order_id, "capture", wanted.amount_cents);
  }
  if (!result->charged) {
    return failure{declined(wanted.order_id, wanted.amount_cents, wanted.currency)};
  }
  return order_charged{wanted.order_id, wanted.payment_id, wanted.amount_cents, wanted.currency};
}

outcome<maybe_later<order_refunded>>
payments_actor::handle(const refund_order& request, turn& turn) const {
  store::database& session = turn.database();
  if (claims_.is_first(request.order_id, turn, turn.id(), 0, "", "", "cancelled")) {
    return order_refunded{request.order_id, 0}; // A tombstone.
  }
  const payment known = find_payment(session, request.order_id).value();
  if (known.state == "refunded") {
    return order_refunded{request.order_id, known.amount_cents};
  }
  if (known.state == "declined" || known.state == "cancelled") {
    session.execute(
        "UPDATE payments SET state = 'cancelled' WHERE order_id = $1 AND state = 'declined'",
        request.order_id);
    return order_refunded{request.order_id, 0};
  }
  // A payment that another call is refunding counts, too: with one key it is one refund. In that
  // case only the ledger tells whether it had been charged.
  const bool is_captured =
      session
          .integer_of(
              "SELECT 1 FROM ledger WHERE order_id = $1 AND kind = 'capture'", request.order_id)
          .has_value();
  session.execute(
      "UPDATE payments SET state = 'refunding' WHERE order_id = $1 AND state <> 'refunding'",
      request.order_id);
  return turn.effect("refund_card", refund_card{charge_of(known), !is_captured});
}

outcome<order_refunded> payments_actor::settle(
    const refund_card& wanted, const outcome<refund_result>& result, turn& turn) {
  if (!result) {
    return failure{result.error()};
  }
  const charge_card& charge = wanted.charge;
  const std::int64_t paid_back = result->refunded ? charge.amount_cents : 0;
  store::database& session = turn.database();
  const auto moved = session.execute(
      "UPDATE payments SET state = $2 WHERE order_id = $1 AND state = 'refunding'",
      charge.order_id,
      result->refunded ? "refunded" : "cancelled");
  if (moved != 0 && result->refunded) {
    if (wanted.ask_first) {
      add_to_ledger(session, charge.order_id, "capture", charge.amount_cents);
    }
    add_to_ledger(session, charge.order_id, "refund", charge.amount_cents);
  }
  return order_refunded{charge.order_id, paid_back};
}

outcome<payment> payments_actor::handle(const get_payment& request, store::database& session) {
  auto found = find_payment(session, request.order_id);
  if (!found) {
    return failure{rejected(
        "unknown_payment", "There is no payment for order " + to_string(request.order_id) + ".")};
  }
  return std::move(*found);
}

} // namespace troupe::payments
