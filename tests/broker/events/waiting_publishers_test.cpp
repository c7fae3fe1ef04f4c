#include "runtime/broker/events/waiting_publishers.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::broker {

namespace {

constexpr origin alice{1};
constexpr origin bob{2};

} // namespace

BOOST_AUTO_TEST_SUITE(
    runtime_broker_events_waiting_publishers, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(a_publisher_has_as_many_bytes_as_are_left_for_others) {
  waiting_publishers tested{100, 1'000};

  BOOST_TEST(tested.admit(alice, 400, 0).has_value());
  BOOST_TEST(tested.admit(alice, 100, 400).has_value());
  const auto refused = tested.admit(alice, 100, 500);
  BOOST_REQUIRE(!refused);
  BOOST_TEST((refused.error().code == errc::overloaded));
  BOOST_TEST(refused.error().retry_after.has_value());
  BOOST_TEST(tested.admit(bob, 200, 500).has_value());

  tested.release(alice, 400);
  BOOST_TEST(tested.admit(alice, 100, 300).has_value());
}

BOOST_AUTO_TEST_CASE(an_only_event_may_have_any_size_unless_the_room_is_taken) {
  waiting_publishers tested{100, 1'000};

  BOOST_TEST(tested.admit(alice, 5'000, 999).has_value());
  BOOST_TEST(!tested.admit(bob, 1, 5'999).has_value());
}

BOOST_AUTO_TEST_CASE(a_publisher_has_so_many_events) {
  waiting_publishers tested{2, 1'000};

  BOOST_TEST(tested.admit(alice, 1, 0).has_value());
  BOOST_TEST(tested.admit(alice, 0, 0).has_value()); // A repeat.
  BOOST_TEST(!tested.admit(alice, 1, 0).has_value());
  tested.release(alice, 0);
  tested.release_scheduled(alice, 0); // That was none.
  BOOST_TEST(tested.admit(alice, 1, 0).has_value());
  BOOST_TEST(!tested.admit(alice, 1, 0).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
