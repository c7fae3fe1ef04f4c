#include "runtime/broker/server/drain.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::broker {

BOOST_AUTO_TEST_SUITE(runtime_broker_server_drain, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(a_drain_is_over_when_nothing_is_under_way_or_its_time_is_up) {
  const instant start{};
  drain tested{milliseconds{100}};
  BOOST_TEST(!tested.is_to_begin());
  BOOST_TEST(!tested.is_over(true, start));

  tested.request();
  BOOST_TEST(tested.is_to_begin());
  tested.begin(start);

  BOOST_TEST(!tested.is_to_begin());
  BOOST_TEST(!tested.is_over(false, start + milliseconds{99}));
  BOOST_TEST(tested.is_over(true, start + milliseconds{1}));
  BOOST_TEST(tested.is_over(false, start + milliseconds{100}));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
