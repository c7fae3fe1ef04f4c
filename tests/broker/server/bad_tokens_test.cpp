#include "runtime/broker/server/bad_tokens.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::broker {

namespace {

using namespace std::chrono_literals;

constexpr instant start{1h};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_broker_server_bad_tokens, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(so_many_a_second_are_looked_at_and_others_are_not_held_up) {
  bad_tokens tested;
  for (std::uint32_t i = 0; i < bad_tokens::per_second_max; ++i) {
    BOOST_TEST(tested.may_show("n1", start));
    tested.note("n1", start);
  }

  BOOST_TEST(!tested.may_show("n1", start + 999ms));
  BOOST_TEST(tested.may_show("n2", start));
  BOOST_TEST(tested.may_show("n1", start + 1s));
  tested.note("n1", start + 1s);
  BOOST_TEST(tested.may_show("n1", start + 1s));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
