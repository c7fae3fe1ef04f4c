#include "runtime/broker/journal/question_line.hpp"

#include <boost/test/unit_test.hpp>

#include <map>

namespace utf = boost::unit_test;

namespace troupe::broker {

namespace {

using std::chrono::milliseconds;

constexpr asker own = asker::broker_itself;
constexpr asker alice{7};
constexpr asker bob{8};

struct line_fixture {
  explicit line_fixture(std::size_t questions_max = 1'024) : tested{questions_max} {}

  bool ask(asker whom) { return tested.add({whom, ask_topics{}, 0}); }

  /// Whose question was answered, which took so long.
  asker answer(milliseconds took = milliseconds{1}) {
    const asker whom = tested.take().from;
    tested.answered(whom, took);
    return whom;
  }

  question_line tested;
};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_broker_journal_question_line, *utf::label("unit") * utf::timeout(30))

BOOST_FIXTURE_TEST_CASE(the_brokers_own_questions_get_half_of_the_time, line_fixture) {
  std::map<asker, int> answered;
  for (int i = 0; i < 100; ++i) {
    ask(alice);
    ask(own);
  }

  for (int i = 0; i < 60; ++i) {
    const asker whom = tested.take().from;
    tested.answered(whom, whom == own ? milliseconds{10} : milliseconds{5});
    ++answered[whom];
  }

  BOOST_TEST(answered[own] == 20);
  BOOST_TEST(answered[alice] == 40);
}

BOOST_FIXTURE_TEST_CASE(peers_share_the_time_whoever_asks_more, line_fixture) {
  for (int i = 0; i < 400; ++i) {
    ask(alice);
  }
  for (int i = 0; i < 100; ++i) {
    answer();
  }

  ask(bob);
  const bool is_first = answer() == bob;
  const bool is_second = answer() == bob;

  BOOST_TEST((is_first || is_second));
}

BOOST_FIXTURE_TEST_CASE(a_time_without_questions_is_no_credit, line_fixture) {
  for (int i = 0; i < 100; ++i) {
    ask(alice);
  }
  for (int i = 0; i < 50; ++i) {
    answer();
  }
  for (int i = 0; i < 10; ++i) {
    ask(own);
  }

  int of_alice = 0;
  for (int i = 0; i < 10; ++i) {
    of_alice += answer() == alice ? 1 : 0;
  }
  BOOST_TEST(of_alice == 5);
}

BOOST_AUTO_TEST_CASE(a_peer_cannot_take_the_room_of_others_or_of_the_broker) {
  line_fixture full{10};
  int taken = 0;
  while (full.ask(alice)) {
    ++taken;
  }

  BOOST_TEST(taken == 5);
  BOOST_TEST(full.ask(bob));
  BOOST_TEST(full.ask(own));
  BOOST_TEST(full.tested.size() == 7U);
  for (int i = 0; i < 7; ++i) {
    full.answer();
  }
  BOOST_TEST(full.tested.is_empty());
  BOOST_TEST(full.tested.size() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
