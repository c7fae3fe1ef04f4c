#include "runtime/gateway/event_ring.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::gateway {

BOOST_AUTO_TEST_SUITE(runtime_gateway_event_ring, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(events_are_found_behind_a_position) {
  event_ring ring{100};
  ring.restart(10);
  ring.append({{12, "a"}, {15, "b"}}, 17);

  BOOST_TEST(ring.base() == 10U);
  BOOST_TEST(ring.head() == 17U);
  BOOST_TEST(ring.after(10)->text == "a");
  BOOST_TEST(ring.after(12)->text == "b");
  BOOST_TEST(ring.after(13)->text == "b");
  BOOST_TEST(ring.after(15) == nullptr);
}

BOOST_AUTO_TEST_CASE(the_oldest_are_forgotten_and_the_base_says_so) {
  event_ring ring{5};
  ring.restart(0);
  ring.append({{1, "aa"}, {2, "bb"}, {3, "cc"}}, 9);
  BOOST_TEST(ring.base() == 1U);
  BOOST_TEST(ring.after(1)->text == "bb");

  ring.append({{10, "too large to be kept"}}, 10);
  BOOST_TEST(ring.base() == 10U);
  BOOST_TEST(ring.head() == 10U);
  BOOST_TEST(ring.after(9) == nullptr);

  ring.restart(4);
  BOOST_TEST(ring.base() == 4U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::gateway
