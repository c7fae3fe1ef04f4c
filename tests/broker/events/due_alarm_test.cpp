#include "runtime/broker/events/due_alarm.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::broker {

BOOST_AUTO_TEST_SUITE(broker_due_alarm, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(the_earliest_is_waited_for) {
  due_alarm due{30};
  due.written(20);
  due.written(40);

  BOOST_TEST(!due.begin(19));
  BOOST_TEST(due.begin(20));
}

BOOST_AUTO_TEST_CASE(nothing_is_asked_while_nothing_is_scheduled_or_a_question_is_under_way) {
  due_alarm none{{}};
  due_alarm asking{10};
  BOOST_REQUIRE(asking.begin(10));
  asking.written(5);

  BOOST_TEST(!none.begin(1'000));
  BOOST_TEST(!asking.begin(1'000));
}

// The answer was read before this one was on disk, and does not know of it.
BOOST_AUTO_TEST_CASE(what_is_written_while_the_journal_is_asked_is_not_forgotten) {
  due_alarm due{10};
  BOOST_REQUIRE(due.begin(10));
  due.written(15);
  due.answered({});

  BOOST_TEST(!due.begin(14));
  BOOST_TEST(due.begin(15));
}

BOOST_AUTO_TEST_CASE(an_answer_says_when_the_next_one_is_due) {
  due_alarm due{10};
  BOOST_REQUIRE(due.begin(10));
  due.answered(25);

  BOOST_TEST(!due.begin(24));
  BOOST_TEST(due.begin(25));
  due.answered({});
  BOOST_TEST(!due.begin(1'000));
}

BOOST_AUTO_TEST_CASE(a_question_without_an_answer_is_asked_again) {
  due_alarm due{10};
  BOOST_REQUIRE(due.begin(10));
  due.failed();
  BOOST_TEST(due.begin(10));
  due.answered({});
  due.ask_again();
  BOOST_TEST(due.begin(10));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
