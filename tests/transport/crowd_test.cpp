#include "runtime/transport/crowd.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::transport {

namespace {

const instant now{std::chrono::seconds{100}};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_transport_crowd, *utf::label("unit") * utf::timeout(20))

BOOST_AUTO_TEST_CASE(an_eighth_is_kept_back_between_16_and_256) {
  BOOST_TEST(crowd::reserve_of(64) == 16U);
  BOOST_TEST(crowd::reserve_of(1'024) == 128U);
  BOOST_TEST(crowd::reserve_of(1U << 20U) == 256U);
}

BOOST_AUTO_TEST_CASE(below_the_mark_everybody_is_served) {
  crowd door{1'024};
  door.accepted(895, now);

  BOOST_TEST(!door.is_any_in_reserve());
  BOOST_TEST((door.next_due() == instant::max()));
  BOOST_TEST(door.turned_away() == 0U);
}

BOOST_AUTO_TEST_CASE(a_connection_beyond_the_mark_is_cut_off_once_it_was_told) {
  crowd door{1'024};
  door.accepted(896, now);

  BOOST_TEST(door.is_in_reserve(896));
  BOOST_TEST(door.overdue(now).empty());
  BOOST_TEST((door.next_due() == now + crowd::told_within));
  BOOST_TEST((door.overdue(now + crowd::told_within) == std::vector<int>{896}));
  BOOST_TEST(!door.is_any_in_reserve());
  BOOST_TEST(door.turned_away() == 1U);
}

BOOST_AUTO_TEST_CASE(one_that_is_kept_stays_until_it_ends) {
  crowd door{1'024};
  door.accepted(896, now);
  door.keep(896);
  BOOST_TEST(door.overdue(now + crowd::told_within).empty());

  door.ended(896);
  door.accepted(896, now);

  BOOST_TEST(door.is_in_reserve(896));
}

BOOST_AUTO_TEST_CASE(one_that_ends_by_itself_is_not_cut_off) {
  crowd door{1'024};
  door.accepted(900, now);
  door.ended(900);

  BOOST_TEST(door.overdue(now + crowd::told_within).empty());
}

BOOST_AUTO_TEST_CASE(when_nothing_is_left_they_are_cut_off_sooner) {
  crowd door{1'024};
  door.accepted(896, now);
  door.hurry(3, now);
  door.hurry(0, now + crowd::told_in_haste);

  BOOST_TEST((door.overdue(now + crowd::told_in_haste) == std::vector<int>{896}));
  BOOST_TEST(door.turned_away() == 4U);
}

BOOST_AUTO_TEST_CASE(without_a_limit_nobody_is_turned_away) {
  crowd door{0};
  door.accepted(1 << 30, now);

  BOOST_TEST(door.turned_away() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::transport
