// The table of Erlang's supervisor_SUITE: strategy x restart type x kind of exit, escalation,
// failures during a restart, bystanders; then back-off and the cool-down, which are Troupe's own.
#include "tests/supervision/group_bench.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <set>

namespace utf = boost::unit_test;

namespace troupe::supervision {

namespace {

constexpr std::array strategies{
    strategy::one_for_one, strategy::one_for_all, strategy::rest_for_one};
constexpr std::array group_strategies{strategy::one_for_all, strategy::rest_for_one};
constexpr std::array kinds{exit_kind::normal, exit_kind::shutdown, exit_kind::abnormal};

/// What is asked when b of a, b, c ends and is to be restarted.
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

BOOST_AUTO_TEST_SUITE(runtime_supervision_group_restart, *utf::label("unit") * utf::timeout(5))

// S5, S7
BOOST_AUTO_TEST_CASE(a_permanent_child_is_restarted_however_it_ends) {
  for (const auto how : strategies) {
    for (const auto kind : kinds) {
      group_bench group{at_once(how), children_named("abc")};
      group.bring_up();

      group.exit('b', kind);

      BOOST_TEST(group.obey() == restart_of_b(how));
      BOOST_TEST((group.policy.state() == group_state::up));
    }
  }
}

// S5, S6, S7
BOOST_AUTO_TEST_CASE(a_transient_child_is_restarted_only_if_it_crashed) {
  for (const auto how : strategies) {
    for (const auto kind : kinds) {
      group_bench group{at_once(how), children_named("abc", restart::transient)};
      group.bring_up();

      group.exit('b', kind);

      const bool crashed = kind == exit_kind::abnormal;
      BOOST_TEST(group.obey() == (crashed ? restart_of_b(how) : ""));
      BOOST_TEST((group.state_of('b') == (crashed ? child_state::running : child_state::ended)));
      BOOST_TEST(group.failures_of('b').size() == (crashed ? 1U : 0U));
    }
  }
}

// S5, S7: nor does it take its siblings with it.
BOOST_AUTO_TEST_CASE(a_temporary_child_is_never_restarted) {
  for (const auto how : strategies) {
    for (const auto kind : kinds) {
      auto children = children_named("abc");
      children[1].when = restart::temporary;
      group_bench group{at_once(how), children};
      group.bring_up();

      group.exit('b', kind);

      BOOST_TEST(group.obey() == "");
      BOOST_TEST((group.state_of('b') == child_state::ended));
    }
  }
}

// S5: an added one is forgotten.
BOOST_AUTO_TEST_CASE(an_added_temporary_child_that_ends_is_forgotten) {
  group_bench group{at_once(strategy::one_for_one), children_named("a")};
  group.bring_up();
  group.add(child_named('b', restart::temporary));
  group.obey();

  group.exit('b');

  BOOST_TEST(group.take() == "forget b");
}

// S7, R25 temporary_bystander: stopped with its siblings, not restarted, also when the restart is
// tried again.
BOOST_AUTO_TEST_CASE(a_temporary_bystander_goes_down_and_stays_down) {
  for (const auto how : group_strategies) {
    auto children = children_named("ab");
    children[1].when = restart::temporary;
    group_bench group{at_once(how), children};
    group.bring_up();

    group.exit('a');
    group.stopped('b');
    group.fail_start('a');

    BOOST_TEST(group.obey() == "stop b1, start a2, start a3");
    BOOST_TEST((group.policy.state() == group_state::up));
    BOOST_TEST((group.state_of('b') == child_state::ended));
  }
}

// S6, S7: all are started, also those that had ended well.
BOOST_AUTO_TEST_CASE(a_group_restart_starts_transient_children_that_had_ended) {
  auto children = children_named("ab");
  children[1].when = restart::transient;
  group_bench group{at_once(strategy::one_for_all), children};
  group.bring_up();
  group.exit('b', exit_kind::normal);

  group.exit('a');

  BOOST_TEST(group.obey() == "start a2, start b2");
}

// S9, R25 escalation, for each strategy.
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
    BOOST_TEST((group.policy.retry_at() == group.now + options{}.cool_down));
  }
}

// S9: deaths at 0 s and 5 s give up: equal is kept.
BOOST_AUTO_TEST_CASE(a_restart_exactly_one_window_old_still_counts) {
  group_bench group{at_once(strategy::one_for_one, 1, 5s), children_named("a")};
  group.bring_up();
  group.exit('a');
  group.obey();

  group.pass(5s);
  group.exit('a');

  BOOST_TEST(group.obey() == "down");
}

// S9: deaths at 0 s and 6 s live.
BOOST_AUTO_TEST_CASE(a_restart_older_than_the_window_counts_no_more) {
  group_bench group{at_once(strategy::one_for_one, 1, 5s), children_named("a")};
  group.bring_up();
  group.exit('a');
  group.obey();

  group.pass(5s + 1ms);
  group.exit('a');

  BOOST_TEST(group.obey() == "start a3");
}

// S9: intensity 0.
BOOST_AUTO_TEST_CASE(with_no_restart_allowed_the_first_needed_one_ends_it) {
  auto children = children_named("ab");
  children[1].when = restart::temporary;
  group_bench group{at_once(strategy::one_for_one, 0), children};
  group.bring_up();

  group.exit('b');
  BOOST_TEST(group.obey() == "");
  group.exit('a');

  BOOST_TEST(group.obey() == "down");
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

// S11: each failed start counts, and for group strategies the stop is repeated from it.
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

// R25: another child fails while the group restarts.
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

// R25
BOOST_AUTO_TEST_CASE(an_earlier_child_that_fails_during_the_stop_widens_the_restart) {
  group_bench group{at_once(strategy::rest_for_one), children_named("abcd")};
  group.bring_up();

  group.exit('c');
  group.exit('a');

  BOOST_TEST(group.obey() == "stop d1, stop b1, start a2, start b2, start c2, start d2");
  BOOST_TEST(group.plans.size() == 2U);
}

// R25
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

// R25
BOOST_AUTO_TEST_CASE(a_crash_while_the_group_starts_is_a_restart_and_no_failed_start) {
  group_bench group{at_once(strategy::one_for_all), children_named("ab")};
  group.start();
  group.up('a');
  group.take();

  group.exit('a');

  BOOST_TEST(group.obey() == "stop b1, start a2, start b2, up");
}

// F11: waits double up to the maximum; jitter only adds.
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

// F12: what fails together does not come back together.
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

// The others stop at once; the wait runs meanwhile.
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

BOOST_AUTO_TEST_CASE(a_stop_cancels_restarts_that_wait) {
  for (const auto how : strategies) {
    auto policy = at_once(how);
    policy.backoff_min = policy.backoff_max = 1s;
    group_bench group{policy, children_named("a")};
    group.bring_up();
    group.exit('a');

    group.stop();

    BOOST_TEST(group.take() == "stopped");
    BOOST_TEST(!group.policy.next_due().has_value());
  }
}

// R25: starts that take longer than the window never fill it; in a row they count all the same.
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

// R25: so do children that start slowly, and die as soon as they are up.
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

// R25: deaths at a pace the budget allows go on for ever, as in Erlang.
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

// The next try waits for the last child of this one.
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

BOOST_AUTO_TEST_CASE(a_stop_while_the_group_goes_down_is_final) {
  group_bench group{at_once(strategy::one_for_one, 0), children_named("ab")};
  group.bring_up();
  group.exit('a');
  group.take();

  group.stop();
  group.stopped('b');

  BOOST_TEST(group.take() == "stopped");
  BOOST_TEST(!group.policy.retry_at().has_value());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::supervision
