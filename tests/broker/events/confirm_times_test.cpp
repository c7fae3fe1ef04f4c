#include "runtime/broker/events/confirm_times.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::broker {

namespace {

using namespace std::chrono_literals;

constexpr instant at_first{1h};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_broker_events_confirm_times, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(each_event_has_the_time_since_it_came_itself) {
  confirm_times tested;
  tested.waiting(2, at_first);
  tested.waiting(3, at_first + 30us);
  tested.waiting(3, at_first + 35us);

  tested.ended(2, true, at_first + 40us);

  BOOST_TEST((tested.taken().sum() == 80us));
  tested.ended(1, true, at_first + 50us);
  BOOST_TEST((tested.taken().sum() == 100us));
  BOOST_TEST(tested.taken().count() == 3);
}

BOOST_AUTO_TEST_CASE(events_that_were_not_written_are_forgotten_and_those_behind_them_move_up) {
  confirm_times tested;
  tested.waiting(1, at_first);
  tested.waiting(2, at_first + 10us);

  tested.ended(1, false, at_first + 20us);
  tested.ended(1, true, at_first + 30us);

  BOOST_TEST(tested.taken().count() == 1);
  BOOST_TEST((tested.taken().sum() == 20us));
}

BOOST_AUTO_TEST_CASE(events_that_it_was_not_told_of_do_no_harm) {
  confirm_times tested;
  tested.waiting(1, at_first);

  tested.ended(2, true, at_first + 10us);
  tested.waiting(1, at_first + 20us);
  tested.ended(1, true, at_first + 30us);

  BOOST_TEST(tested.taken().count() == 2);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
