// Tests the saga with participants that are functions; each test names the calls that fail.

#include "actors.hpp"
#include "messages.hpp"
#include "runtime/testing/saga_trial.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

namespace utf = boost::unit_test;

namespace booking::test {

namespace {

using names = std::vector<std::string>;

const names forward{"tickets.hold", "wallet.pay", "tickets.issue"};

struct box_office {
  box_office() {
    trial.on(hold, [](const hold_seats& wanted) { return seats_held{wanted.seats * 1'200}; })
        .on(take_money, [](const pay& wanted) {
          return amount{0, wanted.cents};
        });
  }

  troupe::testing::saga_trial trial{book()};
  book_seats wish{"ada", "hamlet", 2};
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(booking_saga, box_office, *utf::label("unit") * utf::timeout(10))

BOOST_AUTO_TEST_CASE(seats_are_held_paid_and_issued) {
  const auto answer = trial.run(wish);

  BOOST_REQUIRE(answer.has_value());
  BOOST_TEST(troupe::wire::checked_decode<booked>(*answer)->cents == 2'400);
  BOOST_TEST(trial.carried_out() == forward, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(who_has_too_little_money_holds_no_seats) {
  trial.refuse("wallet.pay", "too_little_money");

  const auto answer = trial.run(wish);

  BOOST_REQUIRE(!answer.has_value());
  BOOST_TEST(answer.error().detail("reason") == "too_little_money");
  const names expected{"tickets.hold", "tickets.release"};
  BOOST_TEST(trial.carried_out() == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(lost_answers_and_dead_owners_book_once) {
  trial.lose_answer("wallet.pay", 2).take_over_at("tickets.hold").take_over_at("tickets.issue");

  BOOST_TEST(trial.run(wish).has_value());
  BOOST_TEST(trial.carried_out() == forward, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(time_that_is_up_during_the_payment_gives_it_back) {
  trial.time_up_at("wallet.pay");

  BOOST_TEST(!trial.run(wish).has_value());
  const names expected{"tickets.hold", "wallet.pay", "wallet.give_back", "tickets.release"};
  BOOST_TEST(trial.carried_out() == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace booking::test
