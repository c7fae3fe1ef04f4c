#include "actors/inventory/messages.hpp"
#include "actors/order_saga/messages.hpp"
#include "actors/order_saga/order_saga.hpp"
#include "actors/orders/messages.hpp"
#include "actors/payments/messages.hpp"
#include "runtime/testing/saga_trial.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::shop::test {

namespace {

using names = std::vector<std::string>;

const names forward{"orders.create", "inventory.reserve", "payments.charge", "orders.confirm"};

/// The saga `place` with participants that say yes.
struct trial_fixture {
  trial_fixture() {
    trial
        .on<inventory::reserve_stock>(
            "inventory.reserve",
            [](const inventory::reserve_stock&) {
              return inventory::stock_reserved{2200, "EUR"};
            })
        .on<payments::charge_order>("payments.charge", [](const payments::charge_order& wanted) {
          return payments::order_charged{
              wanted.order_id, wanted.order_id, wanted.amount_cents, wanted.currency};
        });
  }

  testing::saga_trial trial{order_saga::place()};
  order_saga::place_order wish{"ada", {{"tea", 2}}, "EUR", "tok_1"};
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    actors_order_saga_trial, trial_fixture, *utf::label("unit") * utf::timeout(10))

BOOST_AUTO_TEST_CASE(all_goes_well) {
  const auto answer = trial.run(wish);

  BOOST_REQUIRE(answer);
  const auto placed = wire::checked_decode<order_saga::order_placed>(*answer);
  BOOST_REQUIRE(placed);
  BOOST_TEST(placed->total_cents == 2200);
  BOOST_TEST(trial.carried_out() == forward, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_lost_answer_is_asked_for_again_and_nothing_is_done_twice) {
  trial.lose_answer("payments.charge", 3);

  BOOST_TEST(trial.run(wish).has_value());

  BOOST_TEST(trial.asked("payments.charge") == 4);
  BOOST_TEST(trial.carried_out() == forward, boost::test_tools::per_element());
}

// The trial kept it as the last word on the id, which no inbox does.
BOOST_AUTO_TEST_CASE(a_participant_that_is_not_ready_is_asked_again) {
  int asked = 0;
  trial.on<payments::charge_order>(
      "payments.charge",
      [&](const payments::charge_order& wanted) -> outcome<payments::order_charged> {
        if (++asked < 3) {
          return failure{error{.code = errc::unavailable, .message = "not now"}};
        }
        return payments::order_charged{
            wanted.order_id, wanted.order_id, wanted.amount_cents, wanted.currency};
      });

  BOOST_TEST(trial.run(wish).has_value());
  BOOST_TEST(asked == 3);
  BOOST_TEST(trial.carried_out() == forward, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_input_that_is_not_accepted_begins_nothing) {
  saga::definition choosy = order_saga::place();
  choosy.accept = [](std::string_view) -> outcome<void> { return failure{invalid("not this")}; };
  testing::saga_trial other{choosy};

  const auto answer = other.run(wish);

  BOOST_REQUIRE(!answer);
  BOOST_TEST(answer.error().message == "not this");
  BOOST_TEST(other.carried_out().empty());
}

// Such as one that reads a clock: a real inbox knows the id for another request.
BOOST_AUTO_TEST_CASE(a_request_that_is_made_otherwise_the_second_time_is_found_out) {
  saga::definition impure = order_saga::place();
  int asked = 0;
  impure.steps[0].request.make = [&,
                                  make = impure.steps[0].request.make](const saga::facts& known) {
    return make(known).map([&](std::string body) { return body + std::to_string(++asked); });
  };
  testing::saga_trial other{impure};

  const auto answer = other.lose_answer("orders.create").run(wish);

  BOOST_REQUIRE(!answer);
  BOOST_TEST(
      answer.error().message.find("another request of step `create` (orders.create)")
          != std::string::npos,
      answer.error().message);
  BOOST_TEST((other.now() == saga::phase::parked));
}

BOOST_AUTO_TEST_CASE(a_declined_card_undoes_in_reverse) {
  trial.refuse("payments.charge", "payment_declined");

  const auto answer = trial.run(wish);

  BOOST_REQUIRE(!answer);
  BOOST_TEST(answer.error().detail("reason") == "payment_declined");
  const names expected{"orders.create", "inventory.reserve", "inventory.release", "orders.cancel"};
  BOOST_TEST(trial.carried_out() == expected, boost::test_tools::per_element());
  BOOST_TEST((trial.now() == saga::phase::compensated));
}

BOOST_AUTO_TEST_CASE(an_owner_that_dies_at_each_step_changes_nothing) {
  for (const std::string& each : forward) {
    trial.take_over_at(each);
  }

  BOOST_TEST(trial.run(wish).has_value());

  BOOST_TEST(trial.carried_out() == forward, boost::test_tools::per_element());
  BOOST_TEST(trial.asked("orders.create") == 2);
}

BOOST_AUTO_TEST_CASE(time_that_is_up_during_the_charge_pays_back) {
  trial.fail("payments.charge", errc::unavailable, 1).time_up_at("payments.charge");

  const auto answer = trial.run(wish);

  BOOST_REQUIRE(!answer);
  const names expected{
      "orders.create",
      "inventory.reserve",
      "payments.charge",
      "payments.refund",
      "inventory.release",
      "orders.cancel"};
  BOOST_TEST(trial.carried_out() == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_refused_confirmation_waits_for_a_person) {
  trial.refuse("orders.confirm", "cancelled");

  const auto answer = trial.run(wish);

  BOOST_REQUIRE(!answer);
  BOOST_TEST((trial.now() == saga::phase::parked));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::shop::test
