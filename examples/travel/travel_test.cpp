// Tests the saga with participants that are functions; each test names the calls that fail and the
// person's decision.

#include "actors.hpp"
#include "messages.hpp"
#include "runtime/testing/saga_trial.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace utf = boost::unit_test;

namespace travel::test {

namespace {

using names = std::vector<std::string>;
using namespace std::chrono_literals;

struct agency {
  agency() {
    trial.on<hold_place>("flights.hold", [](const hold_place&) { return place_held{10'000}; })
        .on<hold_place>("hotels.hold", [](const hold_place&) { return place_held{20'000}; })
        .on<hold_place>("cars.hold", [](const hold_place&) { return place_held{3'000}; });
  }

  void say(bool yes) { trial.say("approval", approval{trial.id(), yes, "ann"}); }

  /// The reason why the trip was not booked.
  std::string refusal(const book_trip& wish) {
    const auto answer = trial.run(wish);
    return answer ? "" : std::string{answer.error().detail("reason")};
  }

  troupe::testing::saga_trial trial{book()};
  const book_trip with_car{"ada", "rome", true};
  const names all{"flights.hold", "hotels.hold", "cars.hold"};
  const names all_undone{
      "flights.hold", "hotels.hold", "cars.hold", "flights.free", "hotels.free", "cars.free"};
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(travel_saga, agency, *utf::label("unit") * utf::timeout(10))

BOOST_AUTO_TEST_CASE(a_trip_is_held_approved_and_booked) {
  say(true);

  const auto answer = trial.run(with_car);

  BOOST_REQUIRE(answer.has_value());
  BOOST_TEST(troupe::wire::checked_decode<trip_booked>(*answer)->cents == 33'000);
  BOOST_TEST(trial.carried_out() == all, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(who_wants_no_car_gets_and_pays_none) {
  say(true);

  const auto answer = trial.run(book_trip{"ada", "rome", false});

  BOOST_REQUIRE(answer.has_value());
  BOOST_TEST(troupe::wire::checked_decode<trip_booked>(*answer)->cents == 30'000);
  BOOST_TEST(trial.asked("cars.hold") == 0);
}

BOOST_AUTO_TEST_CASE(a_no_frees_all_places) {
  say(false);

  BOOST_TEST(refusal(with_car) == "declined");
  BOOST_TEST(trial.carried_out() == all_undone, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(no_answer_in_two_days_frees_all_places) {
  BOOST_TEST(refusal(with_car) == "unanswered");
  BOOST_TEST((trial.passed() == 48h));
  BOOST_TEST(trial.carried_out() == all_undone, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_full_hotel_frees_what_was_held_beside_it) {
  trial.refuse("hotels.hold", "none_left");

  BOOST_TEST(refusal(with_car) == "none_left");
  // The car was requested, too, so it is undone whatever its result.
  const names expected{"flights.hold", "cars.hold", "flights.free", "cars.free"};
  BOOST_TEST(trial.carried_out() == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(lost_answers_and_owners_that_die_at_each_step_hold_once) {
  trial.lose_answer("cars.hold").take_over_at("flights.hold").take_over_at("hotels.hold");
  trial.take_over_during("approval");
  say(true);

  BOOST_TEST(trial.run(with_car).has_value());
  auto carried_out = trial.carried_out();
  std::ranges::sort(carried_out);
  const names expected{"cars.hold", "flights.hold", "hotels.hold"};
  BOOST_TEST(carried_out == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace travel::test
