// Starting and stopping in order, giving up, and children that take too long.
#include "tests/supervision/group_bench.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::supervision {

namespace {

const options plain = at_once(strategy::one_for_one);
const options no_restart = at_once(strategy::one_for_one, 0);

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

// S4: children are stopped in reverse, then the group is down and tried again instead of ended.
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

// S15
BOOST_AUTO_TEST_CASE(children_stop_in_reverse_one_after_another) {
  group_bench group{no_restart, children_named("abcd")};
  group.bring_up();

  group.exit('b');
  BOOST_TEST(group.take() == "down, stop d1");
  group.stopped('d');
  BOOST_TEST(group.take() == "stop c1");
  group.stopped('c');
  BOOST_TEST(group.take() == "stop a1");
  group.stopped('a');

  BOOST_TEST(group.take() == "");
  BOOST_TEST((group.policy.state() == group_state::down));
  BOOST_TEST(group.failures_of('a').empty());
}

// S15: the group goes on without a child that hangs.
BOOST_AUTO_TEST_CASE(a_child_that_does_not_stop_in_time_is_not_waited_for) {
  auto policy = no_restart;
  policy.shutdown = 200ms;
  group_bench group{policy, children_named("abc")};
  group.bring_up();

  group.exit('b');
  group.pass(199ms);
  BOOST_TEST(group.take() == "down, stop c1");
  group.pass(1ms);

  BOOST_TEST(group.take() == "stop a1");
  BOOST_TEST(group.failures_of('c').back() == "did not stop within 200 ms");
}

BOOST_AUTO_TEST_CASE(a_child_that_stops_too_late_changes_nothing) {
  auto policy = at_once(strategy::one_for_all);
  policy.shutdown = 200ms;
  group_bench group{policy, children_named("ab")};
  group.bring_up();
  group.exit('a');
  group.take();
  group.pass(200ms);
  BOOST_TEST(group.take() == "start a2");

  group.stopped('b');

  BOOST_TEST(group.take() == "");
  group.up('a');
  BOOST_TEST(group.obey() == "start b2");
}

// S16
BOOST_AUTO_TEST_CASE(a_crash_while_stopping_is_recorded_and_restarts_nothing) {
  group_bench group{no_restart, children_named("abc")};
  group.bring_up();

  group.exit('b');
  group.exit('c', "boom");

  BOOST_TEST(group.take() == "down, stop c1, stop a1");
  BOOST_TEST(group.failures_of('c').at(0) == "while stopping: boom");
  BOOST_TEST(group.plans.empty());
}

// S24: the policy hears other events while a child hangs in its start.
BOOST_AUTO_TEST_CASE(a_restart_is_served_while_a_child_hangs_in_its_start) {
  group_bench group{at_once(strategy::one_for_all), children_named("ab")};
  group.start();
  group.up('a');
  group.take();

  group.exit('a');
  BOOST_TEST(group.take() == "stop b1");
  group.up('b');
  BOOST_TEST(group.take() == "");
  group.stopped('b');

  BOOST_TEST(group.obey() == "start a2, start b2, up");
}

BOOST_AUTO_TEST_CASE(a_child_that_fails_to_start_while_it_is_stopped_has_ended) {
  group_bench group{at_once(strategy::one_for_all), children_named("ab")};
  group.start();
  group.up('a');
  group.take();

  group.exit('a');
  BOOST_TEST(group.take() == "stop b1");
  group.fail_start('b', "no file");

  BOOST_TEST(group.obey() == "start a2, start b2, up");
}

// A start that never answers is a failed start.
BOOST_AUTO_TEST_CASE(a_first_start_that_hangs_takes_the_group_down) {
  auto policy = plain;
  policy.start = 3s;
  group_bench group{policy, children_named("ab")};
  group.start();
  group.up('a');
  group.take();

  group.pass(3s);

  BOOST_TEST(group.take() == "down, stop a1");
  BOOST_TEST(group.down_reason == "b did not start within 3000 ms");
}

BOOST_AUTO_TEST_CASE(a_restart_that_hangs_is_tried_again) {
  auto policy = plain;
  policy.start = 3s;
  group_bench group{policy, children_named("a")};
  group.bring_up();
  group.exit('a');
  BOOST_TEST(group.take() == "start a2");
  const child_started late{child_id{1}, 2};

  group.pass(3s);
  BOOST_TEST(group.take() == "start a3");
  group.tell(late);

  BOOST_TEST((group.state_of('a') == child_state::starting));
}

BOOST_AUTO_TEST_CASE(events_of_past_generations_change_nothing) {
  group_bench group{plain, children_named("a")};
  group.bring_up();
  const child_exited late{child_id{1}, 1, "boom"};
  group.tell(late);
  BOOST_TEST(group.take() == "start a2");

  group.tell(late);
  group.tell(child_started{child_id{1}, 1});
  group.tell(child_start_failed{child_id{1}, 1, "no"});
  group.tell(child_stopped{child_id{1}, 1});
  group.tell(child_exited{child_id{9}, 1});
  group.start();

  BOOST_TEST(group.take() == "");
  BOOST_TEST((group.state_of('a') == child_state::starting));
  BOOST_TEST(group.failures_of('a').size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::supervision
