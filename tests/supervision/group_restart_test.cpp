// Restarts by strategy, the budget of restarts, and failures during a restart.
#include "tests/supervision/group_bench.hpp"

#include <boost/test/unit_test.hpp>

#include <array>

namespace utf = boost::unit_test;

namespace troupe::supervision {

namespace {

constexpr std::array strategies{
    strategy::one_for_one, strategy::one_for_all, strategy::rest_for_one};
constexpr std::array group_strategies{strategy::one_for_all, strategy::rest_for_one};

/// The actions that follow the end of b in a group of a, b and c.
std::string restart_of_b(strategy how) {
  switch (how) {
  case strategy::one_for_one:
    return "start b2";
  case strategy::one_for_all:
    return "stop c1, stop a1, start a2, start b2, start c2";
  case strategy::rest_for_one:
    return "stop c1, start b2, start c2";
  }
  return {};
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_supervision_group_restart, *utf::label("unit") * utf::timeout(30))

// S5, S7
BOOST_AUTO_TEST_CASE(a_child_that_ends_is_restarted_as_the_strategy_says) {
  for (const auto how : strategies) {
    group_bench group{at_once(how), children_named("abc")};
    group.bring_up();

    group.exit('b');

    BOOST_TEST(group.obey() == restart_of_b(how));
    BOOST_TEST((group.policy.state() == group_state::up));
  }
}

// S9, for each strategy.
BOOST_AUTO_TEST_CASE(more_restarts_than_allowed_take_the_group_down) {
  for (const auto how : strategies) {
    group_bench group{at_once(how, 1, 5s), children_named("ab")};
    group.bring_up();
    group.exit('a');
    group.obey();

    group.exit('a');

    BOOST_TEST(group.obey() == "down, stop b" + std::to_string(group.generation_of('b')));
    BOOST_TEST((group.policy.state() == group_state::down));
    BOOST_TEST(group.down_reason == "more than 1 restarts within 5000 ms, the last since a: boom");
    BOOST_TEST((group.retry_at == group.now + options{}.cool_down));
  }
}

// S9: with a window of 5 s, deaths at 0 s and 5 s are both in it.
BOOST_AUTO_TEST_CASE(a_restart_exactly_one_window_old_still_counts) {
  group_bench group{at_once(strategy::one_for_one, 1, 5s), children_named("a")};
  group.bring_up();
  group.exit('a');
  group.obey();

  group.pass(5s);
  group.exit('a');

  BOOST_TEST(group.obey() == "down");
}

// S9: with a window of 5 s, deaths at 0 s and later than 5 s are not both in it.
BOOST_AUTO_TEST_CASE(a_restart_older_than_the_window_counts_no_more) {
  group_bench group{at_once(strategy::one_for_one, 1, 5s), children_named("a")};
  group.bring_up();
  group.exit('a');
  group.obey();

  group.pass(5s + 1ms);
  group.exit('a');

  BOOST_TEST(group.obey() == "start a3");
}

// S9
BOOST_AUTO_TEST_CASE(with_no_restart_allowed_the_first_needed_one_ends_it) {
  group_bench group{at_once(strategy::one_for_one, 0), children_named("a")};
  group.bring_up();

  group.exit('a');

  BOOST_TEST(group.obey() == "down");
}

// S9: a message that comes back again and again is one cause, whichever child it meets.
BOOST_AUTO_TEST_CASE(a_message_that_makes_children_fail_counts_once) {
  for (const auto how : strategies) {
    group_bench group{at_once(how, 1, 5s), children_named("ab")};
    group.bring_up();
    const uuid poison = derived_id(uuid{}, "poison");

    for (int i = 0; i < 50; ++i) {
      group.exit(i % 2 == 0 ? 'a' : 'b', "boom", poison);
      BOOST_TEST(group.obey().find("down") == std::string::npos);
      group.pass(10ms);
    }
    BOOST_TEST((group.policy.state() == group_state::up));

    group.exit('a', "boom", derived_id(uuid{}, "another"));
    BOOST_TEST(group.obey().find("down") != std::string::npos);
  }
}

// Others wait for the instance that a repeat cost: no longer than it takes to make it.
BOOST_AUTO_TEST_CASE(a_repeat_is_restarted_at_once) {
  options slow = at_once(strategy::one_for_one);
  slow.backoff_min = 1s;
  slow.backoff_max = 8s;
  group_bench group{slow, children_named("a")};
  group.bring_up();
  const uuid poison = derived_id(uuid{}, "poison");
  group.exit('a', "boom", poison);
  BOOST_TEST(group.take() == "");
  group.pass_to_due();
  group.obey();

  group.exit('a', "boom", poison);

  BOOST_TEST(group.take() == "start a3");
}

// It is known after the cool-down too, when the budget is new.
BOOST_AUTO_TEST_CASE(causes_are_known_beyond_the_cool_down) {
  group_bench group{at_once(strategy::one_for_one, 0), children_named("a")};
  group.bring_up();
  const uuid poison = derived_id(uuid{}, "poison");
  group.exit('a', "boom", poison);
  BOOST_TEST(group.obey() == "down");
  group.pass_to_due();
  group.obey();

  group.exit('a', "boom", poison);

  BOOST_TEST(group.obey() == "start a3");
}

// S9: the budget is the group's, not a child's.
BOOST_AUTO_TEST_CASE(all_children_draw_on_one_budget) {
  group_bench group{at_once(strategy::one_for_one, 2), children_named("abc")};
  group.bring_up();

  group.exit('a');
  group.exit('b');
  group.exit('c');

  BOOST_TEST(group.take() == "start a2, start b2, down, stop b2");
}

// S10
BOOST_AUTO_TEST_CASE(a_group_restart_counts_once) {
  group_bench group{at_once(strategy::one_for_all, 2), children_named("abcd")};
  group.bring_up();

  for (int i = 0; i < 2; ++i) {
    group.exit('a');
    group.obey();
  }

  BOOST_TEST((group.policy.state() == group_state::up));
  BOOST_TEST(group.generation_of('d') == 3U);
}

// S11: strategies that restart several children repeat the stop from the failed one on.
BOOST_AUTO_TEST_CASE(a_start_that_fails_during_a_restart_is_tried_again) {
  group_bench one{at_once(strategy::one_for_one), children_named("abc")};
  one.bring_up();
  one.exit('b');
  one.fail_start('b');
  BOOST_TEST(one.obey() == "start b2, start b3");

  group_bench all{at_once(strategy::one_for_all), children_named("abc")};
  all.bring_up();
  all.exit('b');
  all.stopped('c');
  all.stopped('a');
  all.up('a');
  all.take();
  all.fail_start('b');
  BOOST_TEST(all.obey() == "stop a2, start a3, start b3, start c2");

  group_bench rest{at_once(strategy::rest_for_one), children_named("abc")};
  rest.bring_up();
  rest.exit('b');
  rest.stopped('c');
  rest.up('b');
  rest.take();
  rest.fail_start('c');
  BOOST_TEST(rest.obey() == "start c3");
}

// S11
BOOST_AUTO_TEST_CASE(failed_starts_count_against_the_budget) {
  group_bench group{at_once(strategy::one_for_one, 2), children_named("a")};
  group.bring_up();

  group.exit('a');
  group.fail_start('a', "one");
  group.fail_start('a', "two");

  BOOST_TEST(group.take() == "start a2, start a3, down");
}

// Its failure costs no restart of the budget.
BOOST_AUTO_TEST_CASE(a_sibling_that_fails_before_its_turn_to_stop_costs_nothing) {
  for (const auto how : group_strategies) {
    group_bench group{at_once(how, 1), children_named("abc")};
    group.bring_up();

    group.exit('a');
    group.exit('b');

    BOOST_TEST(group.obey() == "stop c1, start a2, start b2, start c2");
    BOOST_TEST(group.plans.size() == 1U);
  }
}

BOOST_AUTO_TEST_CASE(an_earlier_child_that_fails_during_the_stop_widens_the_restart) {
  group_bench group{at_once(strategy::rest_for_one), children_named("abcd")};
  group.bring_up();

  group.exit('c');
  group.exit('a');

  BOOST_TEST(group.obey() == "stop d1, stop b1, start a2, start b2, start c2, start d2");
  BOOST_TEST(group.plans.size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_child_that_fails_during_the_start_of_the_others_begins_it_again) {
  group_bench all{at_once(strategy::one_for_all), children_named("abc")};
  all.bring_up();
  all.exit('c');
  all.stopped('b');
  all.stopped('a');
  all.up('a');
  all.take();
  all.exit('a');
  BOOST_TEST(all.obey() == "stop b2, start a3, start b3, start c2");

  group_bench one{at_once(strategy::one_for_one), children_named("ab")};
  one.start();
  one.up('a');
  one.exit('a');
  BOOST_TEST(one.obey() == "start a1, start b1, start a2, up");
}

BOOST_AUTO_TEST_CASE(a_crash_while_the_group_starts_is_a_restart_and_no_failed_start) {
  group_bench group{at_once(strategy::one_for_all), children_named("ab")};
  group.start();
  group.up('a');
  group.take();

  group.exit('a');

  BOOST_TEST(group.obey() == "stop b1, start a2, start b2, up");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::supervision
