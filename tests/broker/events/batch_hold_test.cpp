#include "runtime/broker/events/batch_hold.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::broker {

namespace {

using namespace std::chrono_literals;

constexpr instant start{std::chrono::hours{1}};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_broker_batch_hold, *utf::label("unit") * utf::timeout(60))

BOOST_AUTO_TEST_CASE(a_batch_waits_for_those_who_were_just_answered) {
  batch_hold hold;
  BOOST_TEST(!hold.notes(1, start)); // The first of all.
  hold.ended(32, 30, 400us, start);

  BOOST_TEST(hold.notes(30, start));
  BOOST_TEST(hold.notes(61, start + 99us));
  BOOST_TEST(!hold.notes(62, start + 99us));
  BOOST_TEST(!hold.notes(61, start + 100us)); // A quarter of the commit is over.
  BOOST_TEST((hold.until() == start + 100us));
}

BOOST_AUTO_TEST_CASE(one_at_a_time_waits_for_nobody) {
  batch_hold hold;
  hold.ended(1, 0, 10ms, start);
  BOOST_TEST(!hold.notes(1, start));
}

BOOST_AUTO_TEST_CASE(a_slow_commit_holds_for_two_milliseconds_at_most) {
  batch_hold hold;
  hold.ended(8, 0, 10s, start);
  BOOST_TEST(hold.holds(7, start + 1'999us));
  BOOST_TEST(!hold.holds(7, start + 2ms));
}

BOOST_AUTO_TEST_CASE(where_nobody_comes_it_is_tried_now_and_then_alone) {
  batch_hold hold;
  int held = 0;
  for (int i = 0; i < 164; ++i) {
    hold.ended(8, 2, 400us, start);
    held += hold.notes(2, start) ? 1 : 0;
    BOOST_TEST(!hold.notes(5, start + 100us)); // Less than half of those who were answered.
  }
  BOOST_TEST(held == 14);

  bool is_tried = false;
  while (!is_tried) {
    hold.ended(8, 2, 400us, start);
    is_tried = hold.notes(6, start); // Half of them: it is of use again.
  }
  hold.ended(8, 2, 400us, start);
  BOOST_TEST(hold.notes(2, start));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
