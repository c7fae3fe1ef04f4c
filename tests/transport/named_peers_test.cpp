#include "runtime/transport/named_peers.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace utf = boost::unit_test;

namespace troupe::transport {

BOOST_AUTO_TEST_SUITE(runtime_transport_named_peers, *utf::label("unit") * utf::timeout(20))

BOOST_AUTO_TEST_CASE(a_name_has_one_number_behind_those_of_libzmq) {
  named_peers named;
  const auto first = named.number_of("a");
  const auto second = named.number_of("b");

  BOOST_TEST(first >= named_peers::first);
  BOOST_TEST(second != first);
  BOOST_TEST(named.number_of("a") == first);
  BOOST_TEST(named.name_of(second) == "b");
  BOOST_TEST(named.name_of(second + 1).empty());
}

BOOST_AUTO_TEST_CASE(of_too_many_the_one_silent_longest_is_forgotten) {
  named_peers named;
  const auto heard_of = named.number_of("heard of");
  const auto silent = named.number_of("silent");
  for (std::size_t i = 2; i < named_peers::names_max; ++i) {
    (void)named.number_of(std::to_string(i));
  }
  (void)named.number_of("heard of");
  (void)named.number_of("one more");

  BOOST_TEST(named.name_of(heard_of) == "heard of");
  BOOST_TEST(named.name_of(silent).empty());
  BOOST_TEST(named.number_of("silent") > silent);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::transport
