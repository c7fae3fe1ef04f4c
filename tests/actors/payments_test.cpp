#include "actors/payments/effects.hpp"
#include "actors/payments/messages.hpp"
#include "tests/actors/actor_fixture.hpp"

#include <fstream>
#include <map>
#include <sstream>

namespace utf = boost::unit_test;

namespace troupe::shop::test {

using payments::charge_order;
using payments::get_payment;
using payments::order_charged;
using payments::order_refunded;
using payments::payment;
using payments::refund_order;

namespace {

config_tree simulated(const std::string& fail_every) {
  config_tree options = map_of(
      {{"decline_over", {}, scalar_of("100000")},
       {"fail_every", {}, scalar_of(fail_every)},
       {"log", {}, scalar_of("data/provider.log")}});
  return map_of({{"provider", {}, map_of({{"simulated", {}, std::move(options)}})}});
}

} // namespace

struct payments_fixture : actor_fixture {
  explicit payments_fixture(const std::string& fail_every = "0")
      : actor_fixture{type_named("payments"), simulated(fail_every)} {}

  charge_order charge_of(std::int64_t cents) const { return {order, cents, "EUR", "tok_1"}; }

  std::string state() {
    const auto known = ask<payment>("get", get_payment{order});
    return known ? known->state : "";
  }

  std::int64_t ledger(const std::string& kind) {
    return database
        ->integer_of(
            "SELECT amount_cents FROM ledger WHERE order_id = $1 AND kind = $2", order, kind)
        .value_or(0);
  }

  /// The cents that the provider moved, by kind, with each key counted once.
  std::map<std::string, std::int64_t> provided() const {
    std::map<std::string, std::string> by_key;
    std::ifstream log{folder.path + "/data/provider.log"};
    std::string line;
    while (std::getline(log, line)) {
      by_key[line.substr(0, 36)] = line.substr(37);
    }
    std::map<std::string, std::int64_t> sums;
    for (const auto& [key, rest] : by_key) {
      std::istringstream words{rest};
      std::string kind;
      std::string about;
      std::int64_t cents = 0;
      words >> kind >> about >> cents;
      BOOST_TEST(about == to_string(order));
      sums[kind] += cents;
    }
    return sums;
  }

  void check_books(std::int64_t captured, std::int64_t refunded) {
    BOOST_TEST(ledger("capture") == captured);
    BOOST_TEST(ledger("refund") == refunded);
    auto sums = provided();
    BOOST_TEST(sums["capture"] == captured);
    BOOST_TEST(sums["refund"] == refunded);
    BOOST_TEST(number("SELECT COUNT(*) FROM effects") == 0);
  }

  uuid order = fresh_id();
};

struct unsteady_fixture : payments_fixture {
  unsteady_fixture() : payments_fixture{"1"} {}
};

BOOST_AUTO_TEST_SUITE(actors_payments, *utf::label("unit") * utf::timeout(30))

BOOST_FIXTURE_TEST_CASE(an_order_is_charged_once, payments_fixture) {
  const auto first = call_with_effect<order_charged>("charge", charge_of(500));
  const auto second = call<order_charged>("charge", charge_of(500));
  const auto other = call<order_charged>("charge", charge_of(600));
  const auto card = call<order_charged>("charge", charge_order{order, 500, "EUR", "tok_2"});

  BOOST_REQUIRE(first.has_value());
  BOOST_TEST(first->amount_cents == 500);
  BOOST_REQUIRE(second.has_value());
  BOOST_TEST((second->payment_id == first->payment_id));
  BOOST_TEST(is_refused(other, "other_amount"));
  BOOST_TEST(is_refused(card, "other_card"));
  BOOST_TEST(state() == "charged");
  check_books(500, 0);
}

BOOST_FIXTURE_TEST_CASE(a_declined_charge_stays_declined, payments_fixture) {
  const auto first = call_with_effect<order_charged>("charge", charge_of(100'001));
  const auto second = call<order_charged>("charge", charge_of(100'001));

  BOOST_TEST(is_refused(first, "payment_declined"));
  BOOST_TEST(is_refused(second, "payment_declined"));
  BOOST_TEST(state() == "declined");
  check_books(0, 0);
}

BOOST_FIXTURE_TEST_CASE(a_charge_is_refunded_once, payments_fixture) {
  BOOST_REQUIRE(call_with_effect<order_charged>("charge", charge_of(500)));

  const auto refunded = call_with_effect<order_refunded>("refund", refund_order{order});
  const auto again = call<order_refunded>("refund", refund_order{order});

  BOOST_REQUIRE(refunded.has_value());
  BOOST_TEST(refunded->amount_cents == 500);
  BOOST_REQUIRE(again.has_value());
  BOOST_TEST(again->amount_cents == 500);
  BOOST_TEST(state() == "refunded");
  BOOST_TEST(is_refused(call<order_charged>("charge", charge_of(500)), "cancelled"));
  check_books(500, 500);
}

// The undo may overtake the do.
BOOST_FIXTURE_TEST_CASE(a_charge_after_its_refund_is_refused, payments_fixture) {
  const auto refunded = call<order_refunded>("refund", refund_order{order});

  const auto late = call<order_charged>("charge", charge_of(500));

  BOOST_REQUIRE(refunded.has_value());
  BOOST_TEST(refunded->amount_cents == 0);
  BOOST_TEST(is_refused(late, "cancelled"));
  check_books(0, 0);
}

BOOST_FIXTURE_TEST_CASE(what_was_declined_is_not_paid_back, payments_fixture) {
  BOOST_REQUIRE(!call_with_effect<order_charged>("charge", charge_of(100'001)));

  const auto refunded = call<order_refunded>("refund", refund_order{order});

  BOOST_REQUIRE(refunded.has_value());
  BOOST_TEST(refunded->amount_cents == 0);
  BOOST_TEST(state() == "cancelled");
  check_books(0, 0);
}

// A process died or is slow: two processes run the effect, and end in either order.
BOOST_FIXTURE_TEST_CASE(two_calls_under_way_charge_once, payments_fixture) {
  const auto first = ask_effect("charge", charge_of(500));
  const auto second = ask_effect("charge", charge_of(500));

  const auto late = settle<order_charged>(second, run_effect(second));
  const auto early = settle<order_charged>(first, run_effect(first));

  BOOST_REQUIRE(late.has_value());
  BOOST_REQUIRE(early.has_value());
  BOOST_TEST((late->payment_id == early->payment_id));
  check_books(500, 0);
}

// The saga's time is up while the card is being charged.
BOOST_FIXTURE_TEST_CASE(a_refund_overtakes_the_charge, payments_fixture) {
  const auto charge = ask_effect("charge", charge_of(500));
  const auto refund = ask_effect("refund", refund_order{order});

  const auto refunded = settle<order_refunded>(refund, run_effect(refund));
  const auto charged = settle<order_charged>(charge, run_effect(charge));

  BOOST_REQUIRE(refunded.has_value());
  BOOST_TEST(refunded->amount_cents == 500);
  BOOST_TEST(is_refused(charged, "cancelled"));
  BOOST_TEST(state() == "refunded");
  check_books(500, 500);
}

BOOST_FIXTURE_TEST_CASE(a_charge_ends_while_its_refund_is_under_way, payments_fixture) {
  const auto charge = ask_effect("charge", charge_of(500));
  const auto refund = ask_effect("refund", refund_order{order});

  const auto charged = settle<order_charged>(charge, run_effect(charge));
  const auto refunded = settle<order_refunded>(refund, run_effect(refund));

  BOOST_TEST(is_refused(charged, "cancelled"));
  BOOST_REQUIRE(refunded.has_value());
  BOOST_TEST(refunded->amount_cents == 500);
  check_books(500, 500);
}

BOOST_FIXTURE_TEST_CASE(a_refund_of_a_charge_that_gets_declined_pays_nothing, payments_fixture) {
  const auto charge = ask_effect("charge", charge_of(100'001));
  const auto refund = ask_effect("refund", refund_order{order});

  const auto refunded = settle<order_refunded>(refund, run_effect(refund));
  const auto charged = settle<order_charged>(charge, run_effect(charge));

  BOOST_REQUIRE(refunded.has_value());
  BOOST_TEST(refunded->amount_cents == 0);
  BOOST_TEST(!charged.has_value());
  BOOST_TEST(state() == "cancelled");
  check_books(0, 0);
}

BOOST_FIXTURE_TEST_CASE(two_refunds_under_way_pay_back_once, payments_fixture) {
  BOOST_REQUIRE(call_with_effect<order_charged>("charge", charge_of(500)));
  const auto first = ask_effect("refund", refund_order{order});
  const auto second = ask_effect("refund", refund_order{order});

  BOOST_TEST(settle<order_refunded>(second, run_effect(second)).has_value());
  BOOST_TEST(settle<order_refunded>(first, run_effect(first)).has_value());

  check_books(500, 500);
}

// The provider charged the card and its answer was lost, again and again: no answer may say that
// nothing happened.
BOOST_FIXTURE_TEST_CASE(a_charge_of_unknown_outcome_is_paid_back, unsteady_fixture) {
  const auto charge = ask_effect("charge", charge_of(500));
  const auto lost = run_effect(charge);
  const auto answer = settle<order_charged>(charge, lost);

  BOOST_TEST((lost.error().code == errc::unavailable));
  BOOST_TEST((answer.error().possible == effect::unknown));
  BOOST_TEST(state() == "charging");
  BOOST_TEST(provided()["capture"] == 500);

  const auto refund = ask_effect("refund", refund_order{order});
  BOOST_TEST(!run_effect(refund).has_value()); // The answer to its first question is lost as well.
  const auto refunded =
      settle<order_refunded>(refund, wire::encoded(payments::refund_result{true}));

  BOOST_REQUIRE(refunded.has_value());
  BOOST_TEST(refunded->amount_cents == 500);
  BOOST_TEST(ledger("capture") == 500);
  BOOST_TEST(ledger("refund") == 500);
}

BOOST_FIXTURE_TEST_CASE(a_refund_that_failed_can_be_asked_for_again, payments_fixture) {
  BOOST_REQUIRE(call_with_effect<order_charged>("charge", charge_of(500)));
  const auto first = ask_effect("refund", refund_order{order});
  BOOST_TEST(!settle<order_refunded>(first, failure{internal_error("x", effect::unknown)}));
  BOOST_TEST(state() == "refunding");

  const auto second = call_with_effect<order_refunded>("refund", refund_order{order});

  BOOST_REQUIRE(second.has_value());
  BOOST_TEST(settle<order_refunded>(first, run_effect(first)).has_value()); // It is tried again.
  check_books(500, 500);
}

BOOST_FIXTURE_TEST_CASE(malformed_charges_are_invalid, payments_fixture) {
  for (const std::int64_t cents : {std::int64_t{0}, std::int64_t{-1}, INT64_MAX, INT64_MIN}) {
    BOOST_TEST(is_invalid(call<order_charged>("charge", charge_of(cents))), cents);
  }
  BOOST_TEST(is_invalid(call<order_charged>("charge", charge_order{order, 1, "", "tok"})));
  BOOST_TEST(is_invalid(call<order_charged>("charge", charge_order{order, 1, "EUR", ""})));
  BOOST_TEST(is_refused(ask<payment>("get", get_payment{order}), "unknown_payment"));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::shop::test
