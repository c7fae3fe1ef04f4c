#include "runtime/broker/server/ping_schedule.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::broker {

using round = ping_schedule::round;

BOOST_AUTO_TEST_SUITE(runtime_broker_server_ping_schedule, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(workers_are_pinged_between_the_heartbeats_of_everybody) {
  const instant start{};
  ping_schedule pings{milliseconds{200}, milliseconds{20}, start};

  BOOST_TEST((pings.due(start + milliseconds{19}) == round::nobody));
  BOOST_TEST((pings.due(start + milliseconds{20}) == round::workers));
  BOOST_TEST((pings.due(start + milliseconds{39}) == round::nobody));
  BOOST_TEST((pings.due(start + milliseconds{200}) == round::everybody));
  BOOST_TEST((pings.due(start + milliseconds{219}) == round::nobody));
}

BOOST_AUTO_TEST_CASE(without_workers_only_the_heartbeat_is_waited_for) {
  const instant start{};
  const ping_schedule pings{milliseconds{200}, milliseconds{20}, start};

  BOOST_TEST((pings.next(false) == start + milliseconds{200}));
  BOOST_TEST((pings.next(true) == start + milliseconds{20}));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
