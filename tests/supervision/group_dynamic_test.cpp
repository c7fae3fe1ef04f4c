// Adding and removing children, what is kept of them, and many of them.
#include "tests/supervision/group_bench.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::supervision {

namespace {

const options plain = at_once(strategy::one_for_one);

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_supervision_group_dynamic, *utf::label("unit") * utf::timeout(30))

// S22
BOOST_AUTO_TEST_CASE(an_added_child_starts_behind_the_others) {
  group_bench group{plain, children_named("a")};
  group.bring_up();

  group.add(child_named('b'));
  BOOST_TEST(group.obey() == "start b1");
  group.stop();

  BOOST_TEST(group.obey() == "stop b1, stop a1, stopped");
}

// S22
BOOST_AUTO_TEST_CASE(a_child_added_while_the_group_starts_waits_for_its_turn) {
  group_bench group{plain, children_named("a")};
  group.start();

  group.add(child_named('b', restart::temporary));

  BOOST_TEST(group.take() == "start a1");
  group.up('a');
  BOOST_TEST(group.obey() == "start b1, up");
}

// S22
BOOST_AUTO_TEST_CASE(a_known_id_is_not_added_again) {
  group_bench group{plain, children_named("a")};
  std::vector<group_action> actions;

  const auto again = group.policy.add(child_named('a'), group.now, actions);

  BOOST_REQUIRE(!again);
  BOOST_TEST(name_of(again.error().code) == "conflict");
  BOOST_TEST(!group.policy.add({.id = child_id{7}, .name = ""}, group.now, actions));
  BOOST_TEST(group.policy.children().size() == 1U);
  BOOST_TEST(actions.empty());
}

// S23
BOOST_AUTO_TEST_CASE(a_removed_child_is_stopped_and_forgotten) {
  group_bench group{plain, children_named("ab")};
  group.bring_up();

  group.remove('a');
  BOOST_TEST(group.take() == "stop a1");
  group.exit('a', exit_kind::abnormal);

  BOOST_TEST(group.take() == "forget a");
  BOOST_TEST(!group.policy.child(child_id{1}).has_value());
  BOOST_TEST(group.plans.empty());
}

// S12
BOOST_AUTO_TEST_CASE(removing_a_child_that_waits_cancels_its_restart) {
  auto policy = plain;
  policy.backoff_min = policy.backoff_max = 1s;
  group_bench group{policy, children_named("ab")};
  group.bring_up();
  group.exit('a');
  BOOST_TEST((group.state_of('a') == child_state::waiting));

  group.remove('a');

  BOOST_TEST(group.take() == "forget a");
  BOOST_TEST(!group.policy.next_due().has_value());
}

BOOST_AUTO_TEST_CASE(removing_the_child_that_starts_lets_the_next_one_start) {
  group_bench group{plain, children_named("ab")};
  group.start();

  group.remove('a');

  BOOST_TEST(group.obey() == "start a1, stop a1, forget a, start b1, up");
}

BOOST_AUTO_TEST_CASE(removing_an_unknown_child_is_an_error) {
  group_bench group{plain, children_named("a")};
  std::vector<group_action> actions;

  BOOST_TEST(!group.policy.remove(child_id{9}, group.now, actions));
}

// S22, adapted: what was added stays through a cool-down, as does what was removed.
BOOST_AUTO_TEST_CASE(added_and_removed_children_are_remembered_through_a_cool_down) {
  group_bench group{at_once(strategy::one_for_one, 0), children_named("ab")};
  group.bring_up();
  group.add(child_named('c'));
  group.remove('a');
  group.obey();
  group.exit('b');
  BOOST_TEST(group.obey() == "down, stop c1");

  group.pass_to_due();

  BOOST_TEST(group.obey() == "start b2, start c2, up");
}

// The last 16 failures are kept, with what was in hand.
BOOST_AUTO_TEST_CASE(the_last_failures_of_a_child_are_kept) {
  group_bench group{at_once(strategy::one_for_one, 1'000), children_named("ab")};
  group.bring_up();
  const auto message = derived_id(uuid{}, "in hand");
  for (int i = 1; i <= 20; ++i) {
    group.tell(child_exited{
        child_id{1}, group.generation_of('a'), exit_kind::abnormal, std::to_string(i), message});
    group.obey();
  }

  const auto kept = group.policy.failures(child_id{1});

  BOOST_REQUIRE(kept.size() == group_policy::failures_kept);
  BOOST_TEST(kept.front().reason == "5");
  BOOST_TEST(kept.back().reason == "20");
  BOOST_TEST(kept.back().generation == 20U);
  BOOST_TEST((kept.back().message == message));
  BOOST_TEST((kept.back().when == group.now));
  BOOST_TEST(group.policy.failures(child_id{2}).empty());
}

BOOST_AUTO_TEST_CASE(a_long_reason_is_cut) {
  group_bench group{plain, children_named("a")};
  group.bring_up();

  group.exit('a', exit_kind::abnormal, std::string(10'000, 'x'));

  BOOST_TEST(group.failures_of('a').at(0).size() == 512U);
}

// R25 scaling: many temporary children come and go, one after another and all at once.
BOOST_AUTO_TEST_CASE(ten_thousand_temporary_children_are_no_burden) {
  auto made = group_policy::make({.policy = plain, .children = {}}, 1);
  BOOST_REQUIRE(made);
  std::vector<group_action> actions;
  const instant now{1h};
  made->handle(start_requested{}, now, actions);
  constexpr std::uint32_t count = 10'000;
  for (std::uint32_t i = 1; i <= count; ++i) {
    const child_id id{i};
    BOOST_REQUIRE(made->add({.id = id, .name = "t", .when = restart::temporary}, now, actions));
    made->handle(child_started{id, 1}, now, actions);
    actions.clear();
  }

  for (std::uint32_t i = 1; i <= count; i += 2) {
    made->handle(child_exited{child_id{i}, 1, exit_kind::abnormal, "boom"}, now, actions);
  }
  BOOST_TEST(made->children().size() == count / 2);
  made->handle(stop_requested{}, now, actions);
  for (std::uint32_t i = count; i >= 2; i -= 2) {
    made->handle(child_stopped{child_id{i}, 1}, now, actions);
  }

  BOOST_TEST((made->state() == group_state::stopped));
  BOOST_TEST(made->children().empty());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::supervision
