// Starting, stopping, removing: what one child and the order of all of them go through.
#include "tests/supervision/group_bench.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::supervision {

namespace {

const options plain = at_once(strategy::one_for_one);

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_supervision_group_policy, *utf::label("unit") * utf::timeout(30))

// S3
BOOST_AUTO_TEST_CASE(children_start_in_order_one_after_another) {
  group_bench group{plain, children_named("abc")};

  group.start();
  BOOST_TEST(group.take() == "start a1");
  group.up('a');
  BOOST_TEST(group.take() == "start b1");
  group.up('b');
  BOOST_TEST(group.take() == "start c1");
  BOOST_TEST((group.policy.state() == group_state::starting));
  group.up('c');

  BOOST_TEST(group.take() == "up");
  BOOST_TEST((group.policy.state() == group_state::up));
  BOOST_TEST(!group.policy.next_due().has_value());
}

// S3
BOOST_AUTO_TEST_CASE(a_group_without_children_is_up_at_once) {
  group_bench group{plain, {}};

  group.start();
  BOOST_TEST(group.take() == "up");
  group.stop();
  BOOST_TEST(group.take() == "stopped");
}

// S3: ignore keeps the spec without a process.
BOOST_AUTO_TEST_CASE(a_child_that_declines_is_passed_over) {
  group_bench group{plain, children_named("ab")};

  group.start();
  group.decline('a');
  group.up('b');

  BOOST_TEST(group.take() == "start a1, start b1, up");
  BOOST_TEST((group.state_of('a') == child_state::ended));
}

// S3: a temporary one is forgotten, if it is not one the group was made with.
BOOST_AUTO_TEST_CASE(an_added_temporary_child_that_declines_is_forgotten) {
  group_bench group{plain, children_named("a")};
  group.bring_up();

  group.add(child_named('b', restart::temporary));
  group.decline('b');

  BOOST_TEST(group.take() == "start b1, forget b");
  BOOST_TEST(group.policy.children().size() == 1U);
}

// S4, adapted: stopped in reverse, then down and tried again instead of ended.
BOOST_AUTO_TEST_CASE(a_failed_first_start_stops_the_others_in_reverse_and_rests) {
  group_bench group{plain, children_named("abcd")};

  group.start();
  group.up('a');
  group.up('b');
  group.take();
  group.fail_start('c', "no disk");
  BOOST_TEST(group.take() == "down, stop b1");
  BOOST_TEST(group.down_reason == "c did not start: no disk");
  BOOST_TEST((group.retry_at == group.now + plain.cool_down));
  group.stopped('b');
  BOOST_TEST(group.take() == "stop a1");
  group.stopped('a');

  BOOST_TEST((group.policy.state() == group_state::down));
  BOOST_TEST((group.policy.next_due() == group.retry_at));
  BOOST_TEST(group.plans.empty());
}

// S4: no restart type saves a first start.
BOOST_AUTO_TEST_CASE(a_failed_first_start_counts_for_each_restart_type) {
  for (const auto when : {restart::permanent, restart::transient, restart::temporary}) {
    group_bench group{plain, children_named("a", when)};

    group.start();
    group.fail_start('a');

    BOOST_TEST(group.take() == "start a1, down");
  }
}

BOOST_AUTO_TEST_CASE(a_group_that_is_down_is_tried_again_after_the_cool_down) {
  group_bench group{plain, children_named("ab")};
  group.start();
  group.fail_start('a');
  group.take();

  group.pass(plain.cool_down - 1ms);
  BOOST_TEST(group.take() == "");
  group.pass(1ms);

  BOOST_TEST(group.obey() == "start a2, start b1, up");
}

BOOST_AUTO_TEST_CASE(a_group_that_is_down_is_tried_at_once_when_told_to) {
  group_bench group{plain, children_named("a")};
  group.start();
  group.fail_start('a');
  group.take();

  group.start();

  BOOST_TEST(group.obey() == "start a2, up");
}

BOOST_AUTO_TEST_CASE(a_down_group_stops_at_once) {
  group_bench group{plain, children_named("a")};
  group.start();
  group.fail_start('a');
  group.take();

  group.stop();

  BOOST_TEST(group.take() == "stopped");
  BOOST_TEST(!group.policy.next_due().has_value());
}

// S15
BOOST_AUTO_TEST_CASE(children_stop_in_reverse_one_after_another) {
  group_bench group{plain, children_named("abc")};
  group.bring_up();

  group.stop();
  BOOST_TEST(group.take() == "stop c1");
  group.stopped('c');
  BOOST_TEST(group.take() == "stop b1");
  group.exit('b', exit_kind::shutdown);
  BOOST_TEST(group.take() == "stop a1");
  group.stopped('a');

  BOOST_TEST(group.take() == "stopped");
  BOOST_TEST((group.policy.state() == group_state::stopped));
}

// S15, F13: shutdown time, kill, and an end even if the kill does nothing.
BOOST_AUTO_TEST_CASE(a_child_that_does_not_stop_is_killed_and_then_given_up) {
  auto children = children_named("ab");
  children[1].shutdown = 200ms;
  group_bench group{plain, children};
  group.bring_up();

  group.stop();
  group.pass(199ms);
  BOOST_TEST(group.take() == "stop b1");
  group.pass(1ms);
  BOOST_TEST(group.take() == "kill b1");
  group.pass(group_policy::kill_grace);

  BOOST_TEST(group.take() == "abandon b1, stop a1");
  BOOST_TEST(group.failures_of('b').back() == "did not stop within 200 ms");
}

// S15: brutal_kill.
BOOST_AUTO_TEST_CASE(a_shutdown_time_of_nothing_kills_at_once_and_waits) {
  auto children = children_named("ab");
  children[1].shutdown = 0ms;
  group_bench group{plain, children};
  group.bring_up();

  group.stop();
  BOOST_TEST(group.take() == "kill b1");
  group.exit('b', exit_kind::abnormal, "killed");

  BOOST_TEST(group.take() == "stop a1");
  BOOST_TEST(group.failures_of('b').empty());
}

// S16
BOOST_AUTO_TEST_CASE(a_crash_while_stopping_is_recorded_and_restarts_nothing) {
  group_bench group{plain, children_named("ab")};
  group.bring_up();

  group.stop();
  group.exit('b', exit_kind::abnormal, "boom");

  BOOST_TEST(group.take() == "stop b1, stop a1");
  BOOST_TEST(group.failures_of('b').at(0) == "while stopping: boom");
  BOOST_TEST(group.plans.empty());
}

// S16: shutdown (and normal) are fine.
BOOST_AUTO_TEST_CASE(a_child_that_stops_well_leaves_no_failure) {
  for (const auto kind : {exit_kind::normal, exit_kind::shutdown}) {
    group_bench group{plain, children_named("a")};
    group.bring_up();

    group.stop();
    group.exit('a', kind);

    BOOST_TEST(group.failures_of('a').empty());
    BOOST_TEST(group.take() == "stop a1, stopped");
  }
}

// S24, R25 hanging start: the supervisor answers meanwhile.
BOOST_AUTO_TEST_CASE(a_stop_is_served_while_a_child_hangs_in_its_start) {
  group_bench group{plain, children_named("ab")};
  group.start();
  group.up('a');
  group.take();

  group.stop();
  BOOST_TEST(group.take() == "stop b1");
  group.up('b');
  BOOST_TEST(group.take() == "");
  group.stopped('b');

  BOOST_TEST(group.obey() == "stop a1, stopped");
}

// R25: a start that never answers is a failed start, and there are never two of one child.
BOOST_AUTO_TEST_CASE(a_first_start_that_hangs_is_killed_and_takes_the_group_down) {
  auto policy = plain;
  policy.start = 3s;
  group_bench group{policy, children_named("ab")};
  group.start();
  group.up('a');
  group.take();

  group.pass(3s);
  BOOST_TEST(group.take() == "kill b1");
  group.exit('b', exit_kind::abnormal, "killed");

  BOOST_TEST(group.take() == "down, stop a1");
  BOOST_TEST(group.down_reason == "b did not start within 3000 ms");
}

BOOST_AUTO_TEST_CASE(a_restart_that_hangs_is_killed_and_tried_again) {
  auto policy = plain;
  policy.start = 3s;
  group_bench group{policy, children_named("a")};
  group.bring_up();
  group.exit('a');
  BOOST_TEST(group.take() == "start a2");

  group.pass(3s);
  BOOST_TEST(group.take() == "kill a2");
  group.pass(group_policy::kill_grace);

  BOOST_TEST(group.take() == "abandon a2, start a3");
}

// R25 hanging_restart_loop: fails in its start for ever, and the group can be stopped.
BOOST_AUTO_TEST_CASE(a_group_stops_while_a_child_fails_in_its_start_for_ever) {
  for (const auto how : {strategy::one_for_one, strategy::one_for_all, strategy::rest_for_one}) {
    auto policy = at_once(how, 1'000);
    policy.backoff_min = policy.backoff_max = 50ms;
    group_bench group{policy, children_named("ab")};
    group.bring_up();
    group.exit('b');
    for (int i = 0; i < 20; ++i) {
      group.obey();
      group.pass_to_due();
      while (group.state_of('b') != child_state::starting) {
        group.up('a');
      }
      group.take();
      group.fail_start('b');
    }

    group.stop();
    const auto said = group.obey();

    BOOST_TEST(said.substr(said.size() - 7) == "stopped");
    BOOST_TEST((group.policy.state() == group_state::stopped));
    BOOST_TEST(!group.policy.next_due().has_value());
  }
}

BOOST_AUTO_TEST_CASE(what_is_said_of_past_generations_changes_nothing) {
  group_bench group{plain, children_named("a")};
  group.bring_up();
  const child_exited late{child_id{1}, 1, exit_kind::abnormal, "boom"};
  group.tell(late);
  BOOST_TEST(group.take() == "start a2");

  group.tell(late);
  group.tell(child_started{child_id{1}, 1});
  group.tell(child_start_failed{child_id{1}, 1, "no"});
  group.tell(child_declined{child_id{1}, 1});
  group.tell(child_stopped{child_id{1}, 1});
  group.tell(child_exited{child_id{9}, 1});

  BOOST_TEST(group.take() == "");
  BOOST_TEST((group.state_of('a') == child_state::starting));
  BOOST_TEST(group.policy.stale_events() == 6U);
  BOOST_TEST(group.failures_of('a').size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_stopped_group_hears_nothing_more_and_can_start_again) {
  group_bench group{plain, children_named("a")};
  group.bring_up();
  group.stop();
  group.obey();

  group.exit('a');
  group.stop();
  BOOST_TEST(group.take() == "");
  group.start();

  BOOST_TEST(group.obey() == "start a2, up");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::supervision
