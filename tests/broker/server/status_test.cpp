#include "runtime/broker/server/status.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace utf = boost::unit_test;

namespace troupe::broker {

BOOST_AUTO_TEST_SUITE(runtime_broker_status, *utf::label("unit") * utf::timeout(20))

BOOST_AUTO_TEST_CASE(what_is_left_out_is_said) {
  wire::broker_status said;
  said.nodes.push_back({.name = "n1", .live = true});
  said.nodes[0].capabilities.emplace(10'000);
  said.events.resize(64);

  leave_out_details(said);

  BOOST_TEST(!said.nodes[0].capabilities);
  BOOST_REQUIRE(said.events.size() == 1U);
  BOOST_TEST(said.events[0].name == "status_cut");
  BOOST_TEST(wire::encoded(said).size() < 4'000U);
}

BOOST_AUTO_TEST_CASE(no_line_of_the_log_swells_the_status) {
  broker_log log{{}};
  for (int i = 0; i < 64; ++i) {
    log.write({"login_refused", {{"why", std::string(600'000, 'x')}}}, instant{});
  }
  BOOST_TEST(log.recent().back().what.fields[0].second.size() == 512U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
