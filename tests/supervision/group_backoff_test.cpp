// Waits before restarts, failures in a row, and the cool-down: not in Erlang.
#include "tests/supervision/group_bench.hpp"

#include <boost/test/unit_test.hpp>

#include <set>

namespace utf = boost::unit_test;

namespace troupe::supervision {

BOOST_AUTO_TEST_SUITE(runtime_supervision_group_backoff, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(waits_double_up_to_the_maximum_with_jitter_on_top) {
  options policy{.max_restarts = 1'000, .backoff_min = 100ms, .backoff_max = 1s};
  group_bench group{policy, children_named("a")};
  group.bring_up();
  bool jittered = false;

  for (const auto base : {100ms, 200ms, 400ms, 800ms, 1'000ms, 1'000ms}) {
    group.exit('a');
    const auto wait = group.plans.back().due - group.now;
    BOOST_TEST((wait >= base));
    BOOST_TEST((wait <= base * 6 / 5));
    jittered = jittered || wait != base;
    BOOST_TEST(group.take() == "");
    BOOST_TEST((group.policy.next_due() == group.plans.back().due));
    group.pass_to_due();
    group.obey();
  }

  BOOST_TEST(jittered);
  BOOST_TEST(group.plans.back().attempt == 6);
}

BOOST_AUTO_TEST_CASE(a_child_that_lived_for_the_window_starts_over_with_the_smallest_wait) {
  options policy{.within = 10s, .backoff_min = 100ms, .backoff_max = 5s};
  group_bench group{policy, children_named("a")};
  group.bring_up();
  for (int i = 0; i < 3; ++i) {
    group.exit('a');
    group.pass_to_due();
    group.obey();
  }
  BOOST_TEST(group.plans.back().attempt == 3);

  group.pass(10s);
  group.exit('a');

  BOOST_TEST(group.plans.back().attempt == 1);
  BOOST_TEST((group.plans.back().due - group.now <= 120ms));
}

BOOST_AUTO_TEST_CASE(children_that_fail_together_come_back_at_different_times) {
  options policy{.max_restarts = 1'000, .backoff_min = 1s, .backoff_max = 1s};
  group_bench group{policy, children_named("abcdefghij")};
  group.bring_up();
  for (char name = 'a'; name <= 'j'; ++name) {
    group.exit(name);
  }

  std::set<instant> dues;
  for (const auto& planned : group.plans) {
    dues.insert(planned.due);
  }

  BOOST_TEST(dues.size() == 10U);
}

// The other children stop at once, while the wait runs.
BOOST_AUTO_TEST_CASE(a_group_restart_waits_between_the_stop_and_the_start) {
  auto policy = at_once(strategy::one_for_all);
  policy.backoff_min = policy.backoff_max = 1s;
  group_bench group{policy, children_named("ab")};
  group.bring_up();

  group.exit('a');
  BOOST_TEST(group.obey() == "stop b1");
  BOOST_TEST((group.policy.state() == group_state::restarting));
  BOOST_TEST((group.policy.next_due() == group.plans.back().due));
  group.pass_to_due();

  BOOST_TEST(group.obey() == "start a2, start b2");
}

// This holds also if the second child fails while the children behind the first still stop.
BOOST_AUTO_TEST_CASE(children_that_fail_in_one_part_wait_for_the_longest_of_their_waits) {
  for (const bool is_stopping : {true, false}) {
    auto policy = at_once(strategy::rest_for_one, 1'000);
    policy.backoff_min = 100ms;
    policy.backoff_max = 5s;
    group_bench group{policy, children_named("abcd")};
    group.bring_up();
    for (int i = 0; i < 3; ++i) {
      group.exit('c');
      group.obey();
      group.pass_to_due();
      group.obey();
    }
    group.exit('c');
    const instant longest = group.plans.back().due;
    if (!is_stopping) {
      group.obey();
    }

    group.exit('a');
    BOOST_TEST((group.plans.back().due < longest));
    group.obey();

    BOOST_TEST((group.policy.next_due() == longest));
  }
}

// Starts that take longer than the window never fill it, but failures in a row count.
BOOST_AUTO_TEST_CASE(starts_slower_than_the_window_take_the_group_down_in_the_end) {
  group_bench group{at_once(strategy::one_for_one, 3, 5s), children_named("a")};
  group.bring_up();
  group.exit('a');
  int failed = 0;
  while (group.policy.state() == group_state::up && failed < 100) {
    group.pass(20s);
    group.fail_start('a', "no database");
    ++failed;
  }

  BOOST_TEST(failed == 3);
  BOOST_TEST(
      group.down_reason == "a failed 4 times in a row, the last time: did not start: no database");
}

// Children that start slowly and die as soon as they are up never fill the window either.
BOOST_AUTO_TEST_CASE(slow_starts_followed_by_quick_deaths_take_the_group_down) {
  group_bench group{at_once(strategy::one_for_one, 3, 5s), children_named("a")};
  group.bring_up();
  int deaths = 0;
  while (group.policy.state() == group_state::up && deaths < 100) {
    group.exit('a');
    ++deaths;
    group.pass(20s);
    if (group.policy.state() == group_state::up) {
      group.up('a');
    }
  }

  BOOST_TEST(deaths == 4);
}

// The budget allows this pace forever, as in Erlang.
BOOST_AUTO_TEST_CASE(deaths_at_the_allowed_pace_never_take_the_group_down) {
  group_bench group{at_once(strategy::one_for_one, 5, 10s), children_named("a")};
  group.bring_up();

  for (int i = 0; i < 100; ++i) {
    group.pass(2s + 1ms);
    group.exit('a');
    group.obey();
  }

  BOOST_TEST((group.policy.state() == group_state::up));
}

BOOST_AUTO_TEST_CASE(a_group_tried_again_has_its_whole_budget) {
  group_bench group{at_once(strategy::one_for_one, 1, 1h), children_named("a")};
  group.bring_up();
  group.exit('a');
  group.obey();
  group.exit('a');
  BOOST_TEST(group.obey() == "down");

  group.pass_to_due();
  BOOST_TEST(group.obey() == "start a3, up");
  group.exit('a');

  BOOST_TEST(group.obey() == "start a4");
}

// The next try waits until the last child has stopped.
BOOST_AUTO_TEST_CASE(a_group_is_not_tried_again_before_its_children_have_stopped) {
  auto policy = at_once(strategy::one_for_one, 0);
  policy.cool_down = 1s;
  group_bench group{policy, children_named("ab")};
  group.bring_up();
  group.exit('a');
  BOOST_TEST(group.take() == "down, stop b1");

  group.pass(3s);
  BOOST_TEST(group.take() == "");
  BOOST_TEST((group.policy.state() == group_state::going_down));
  group.stopped('b');

  BOOST_TEST(group.obey() == "start a2, start b2, up");
}

BOOST_AUTO_TEST_CASE(a_group_that_goes_down_cancels_restarts_that_wait) {
  auto policy = at_once(strategy::one_for_one, 1);
  policy.backoff_min = policy.backoff_max = 1s;
  group_bench group{policy, children_named("ab")};
  group.bring_up();
  group.exit('a');
  BOOST_TEST((group.state_of('a') == child_state::waiting));

  group.exit('b');

  BOOST_TEST(group.take() == "down");
  BOOST_TEST((group.policy.next_due() == group.retry_at));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::supervision
