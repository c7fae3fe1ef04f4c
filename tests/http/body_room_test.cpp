#include "runtime/http/body_room.hpp"

#include <boost/test/unit_test.hpp>

#include <deque>

namespace utf = boost::unit_test;

namespace troupe::http {

BOOST_AUTO_TEST_SUITE(runtime_http_body_room, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(whoever_ends_no_body_leaves_room_for_others) {
  body_room room{1'000};
  std::deque<body_room::part> many;
  int admitted = 0;
  for (int i = 0; i < 20; ++i) {
    many.emplace_back(room, "192.0.2.1");
    admitted += many.back().grow_to(100) ? 1 : 0;
  }
  BOOST_TEST(admitted == 5); // Half of it.

  body_room::part other{room, "192.0.2.2"};
  BOOST_TEST(other.grow_to(200));
  BOOST_TEST(other.grow_to(200));
  BOOST_TEST(!other.grow_to(400));
  BOOST_TEST(room.bytes() == 700U);

  many.clear();
  BOOST_TEST(room.bytes() == 200U);
  BOOST_TEST(other.grow_to(500));
}

// Its machines have all the addresses of their network.
BOOST_AUTO_TEST_CASE(a_network_of_ipv6_has_one_share) {
  body_room room{1'000};
  body_room::part one{room, "2001:db8:1:2::1"};
  body_room::part other{room, "2001:db8:1:2::2"};
  BOOST_TEST(one.grow_to(500));

  BOOST_TEST(!other.grow_to(1));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::http
