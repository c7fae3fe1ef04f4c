#include "tests/broker/calls/router_fixture.hpp"

#include <boost/test/unit_test.hpp>

namespace troupe::broker {

namespace utf = boost::unit_test;

BOOST_AUTO_TEST_SUITE(runtime_broker_calls_logins, *utf::label("unit") * utf::timeout(30))

using logins = std::vector<std::uint32_t>;

BOOST_FIXTURE_TEST_CASE(wrong_logins_are_refused, router_fixture) {
  const auto unknown = join("n9", 1);
  BOOST_REQUIRE(!unknown);
  BOOST_TEST((unknown.error().code == errc::forbidden));

  wire::hello other_plan = hello("n1", 1, 1);
  other_plan.plan = 8;
  other_plan.shared_plan = 9;
  const auto planned = tested.hello(login_id{1}, other_plan, now, out);
  BOOST_REQUIRE(!planned);
  BOOST_TEST((planned.error().code == errc::conflict));
  BOOST_TEST(planned.error().detail("reason") == "other_topology");

  wire::hello unbatched = hello("n1", 1, 1);
  unbatched.batch = false;
  const auto plain = tested.hello(login_id{1}, unbatched, now, out);
  BOOST_REQUIRE(!plain);
  BOOST_TEST((plain.error().code == errc::invalid));

  BOOST_TEST(out.actions.empty());
  BOOST_TEST(!tested.is_worker(login_id{1}));
  BOOST_TEST(tested.counts().logins_refused == 3U);
}

// A comment in the file makes another text and no other plan.
BOOST_AUTO_TEST_CASE(another_text_of_the_same_plan_logs_in) {
  router_options options = router_fixture::usual();
  options.shared_plan_digest = 5;
  router_fixture system{options};
  wire::hello commented = system.hello("n1", 1, 1);
  commented.plan = 8;
  commented.shared_plan = 5;

  BOOST_TEST(!!system.tested.hello(login_id{1}, commented, system.now, system.out));
  wire::hello foreign = system.hello("n2", 1, 1);
  foreign.plan = 5;
  BOOST_TEST(!!system.tested.hello(login_id{2}, foreign, system.now, system.out));
}

BOOST_AUTO_TEST_CASE(what_is_placed_on_other_nodes_is_not_served) {
  router_options options = router_fixture::usual();
  options.capabilities[1].nodes = {{"n2"}, {"n3"}};
  router_fixture system{options};

  const auto refused = system.join("n1", 1);

  BOOST_REQUIRE(!refused);
  BOOST_TEST((refused.error().code == errc::forbidden));
  BOOST_TEST(!system.tested.is_worker(login_id{1}));
  const wire::hello both = system.hello("n2", 1, 2);
  BOOST_TEST(system.join(2, both).has_value());
  wire::hello orders = system.hello("n1", 1, 1);
  orders.serves.pop_back();
  BOOST_TEST(system.join(1, orders).has_value());
  BOOST_TEST(!system.tested.check(login_id{1}, both.serves).has_value());
  BOOST_TEST(system.tested.check(login_id{2}, both.serves).has_value());
  BOOST_TEST(!system.tested.is_placed_at(login_id{1}, "users"));
  BOOST_TEST(system.tested.is_placed_at(login_id{1}, "orders"));
  BOOST_TEST(!system.tested.is_placed_at(login_id{2}, "nothing"));
}

BOOST_FIXTURE_TEST_CASE(
    a_second_process_of_a_name_is_refused_while_the_first_lives, router_fixture) {
  BOOST_REQUIRE(join("n1", 1));
  advance(3s);

  const auto second = join("n1", 2);

  BOOST_REQUIRE(!second);
  BOOST_TEST((second.error().code == errc::conflict));
  BOOST_TEST(second.error().message.find("4711") != std::string::npos);
  BOOST_TEST(second.error().message.find("3 s") != std::string::npos);
  BOOST_TEST(tested.is_worker(login_id{1}));
}

BOOST_FIXTURE_TEST_CASE(a_second_process_follows_a_silent_first, router_fixture) {
  BOOST_REQUIRE(join("n1", 1));
  call(1, 0, 5s);
  now += 801ms; // No tick has noticed the silence yet.

  BOOST_REQUIRE(join("n1", 2));

  BOOST_TEST((forgotten == std::vector<login_id>{login_id{1}}));
  BOOST_TEST(receivers(1) == (logins{1, 2}), boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(silence_is_death, router_fixture) {
  BOOST_REQUIRE(join("n1", 1));
  call(1, 0, 5s);

  advance(700ms, false);
  BOOST_TEST(forgotten.empty());
  advance(120ms, false);
  BOOST_TEST((forgotten == std::vector<login_id>{login_id{1}}));
  BOOST_TEST(has_event("worker_lost"));
  BOOST_REQUIRE(join("n2", 2));

  BOOST_TEST(receivers(1) == (logins{1, 2}), boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(the_same_process_on_a_new_connection_replaces_itself, router_fixture) {
  BOOST_REQUIRE(join("n1", 1, 2, {}, 55));
  BOOST_REQUIRE(join("n2", 2, 0));
  call(1);
  call(2);

  BOOST_REQUIRE(join("n1", 3, 2, {id(1)}, 55));

  BOOST_TEST((forgotten == std::vector<login_id>{login_id{1}}));
  BOOST_TEST(receivers(1) == logins{1}, boost::test_tools::per_element()); // Still in hand there.
  BOOST_TEST(receivers(2) == (logins{1, 3}), boost::test_tools::per_element());
  reply(3, 1);
  BOOST_TEST(answers(1) == 1U);
}

BOOST_FIXTURE_TEST_CASE(what_a_dead_worker_had_goes_on_in_order_before_what_waits, router_fixture) {
  BOOST_REQUIRE(join("n1", 1, 2));
  for (std::uint64_t number = 1; number <= 4; ++number) {
    call(number);
  }
  lose(1);
  forget_all();

  BOOST_REQUIRE(join("n2", 2, 4));

  BOOST_REQUIRE(delivered.size() == 4U);
  for (std::uint64_t i = 0; i < 4; ++i) {
    BOOST_TEST((delivered[i].id == id(i + 1)));
  }
  BOOST_TEST(tested.counts().redelivered == 2U);
}

BOOST_FIXTURE_TEST_CASE(a_call_nobody_waits_for_ends_with_its_worker, router_fixture) {
  BOOST_REQUIRE(join("n1", 1));
  call(1, 0, 100ms);
  advance(110ms);

  lose(1);

  BOOST_TEST(tested.size() == 0U);
}

BOOST_FIXTURE_TEST_CASE(
    pending_calls_are_asked_again_when_a_worker_of_theirs_dies, router_fixture) {
  BOOST_REQUIRE(join("n1", 1));
  BOOST_REQUIRE(join("n2", 2));
  call(1, 0, 5s);
  const std::uint32_t first = receivers(1).at(0);
  pending(first, 1);

  lose(first);

  BOOST_TEST(receivers(1) == (logins{first, 3 - first}), boost::test_tools::per_element());
  pending(3 - first, 1);
  reply(3 - first, 1);
  BOOST_TEST(answers(1) == 1U);
  BOOST_TEST(tested.size() == 0U);
}

// It may have answered while it had no link here: another worker that has the call says only that
// it is pending.
BOOST_FIXTURE_TEST_CASE(
    pending_calls_are_asked_again_when_a_worker_of_theirs_logs_in, router_fixture) {
  BOOST_REQUIRE(join("n1", 1));
  call(1, 0, 5s);
  pending(1, 1);

  BOOST_REQUIRE(join("n2", 2));

  BOOST_REQUIRE(receivers(1).size() == 2U);
  reply(receivers(1).at(1), 1);
  BOOST_TEST(answers(1) == 1U);
  BOOST_TEST(tested.size() == 0U);
}

BOOST_FIXTURE_TEST_CASE(who_says_bye_is_not_to_blame, router_fixture) {
  for (std::uint32_t round = 1; round <= 5; ++round) {
    BOOST_REQUIRE(join("n1", round));
    if (round == 1) {
      call(1, 0, 5s);
    }
    leave(round);
  }
  BOOST_REQUIRE(join("n1", 6));

  BOOST_TEST(receivers(1).size() == 6U);
  BOOST_TEST(tested.counts().suspects == 0U);
  BOOST_TEST(tested.counts().workers_left == 5U);
}

// This broker restarted: the worker knows a call that the broker does not.
BOOST_FIXTURE_TEST_CASE(a_retry_attaches_to_what_a_worker_brought_along, router_fixture) {
  BOOST_REQUIRE(join("n1", 1, 2, {id(1)}));
  BOOST_REQUIRE(join("n2", 2));

  call(1);
  BOOST_TEST(delivered.empty());
  reply(1, 1);

  BOOST_TEST(answers(1) == 1U);
  call(2);
  BOOST_TEST(receivers(2).size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(
    what_was_brought_along_is_forgotten_with_its_worker_or_its_answer, router_fixture) {
  BOOST_REQUIRE(join("n1", 1, 2, {id(1), id(2)}));
  reply(1, 1);
  call(1);
  BOOST_TEST(receivers(1).size() == 1U);

  lose(1);
  BOOST_REQUIRE(join("n2", 2));
  call(2);

  BOOST_TEST(receivers(2) == logins{2}, boost::test_tools::per_element());
}

// The id is that of a call that the worker has in hand for somebody else.
BOOST_FIXTURE_TEST_CASE(
    what_was_brought_along_answers_nobody_who_asks_for_something_else, router_fixture) {
  BOOST_REQUIRE(join("n1", 1, 2, {id(1), id(2)}));

  call(1, 7, 1000ms, {}, "orders", "another body");
  call(2, 8, 1000ms, {}, "users");

  for (const std::uint64_t number : {1U, 2U}) {
    BOOST_REQUIRE(refusal(number).has_value());
    BOOST_TEST((refusal(number)->code == errc::conflict));
    BOOST_TEST(refusal(number)->detail("reason") == "id_reused");
    BOOST_TEST((refusal(number)->possible == effect::none));
    reply(1, number);
    BOOST_TEST(answers(number) == 0U);
  }
  forget_all();
  call(1, 7, 1000ms, {}, "orders", "another body"); // The id is free at this broker.
  BOOST_TEST(receivers(1) == logins{1}, boost::test_tools::per_element());
}

// It came while the broker had just started, before the worker that has the id in hand.
BOOST_FIXTURE_TEST_CASE(a_login_claims_no_call_that_asks_for_something_else, router_fixture) {
  call(1, 7, 5s, {}, "orders", "another body");
  wire::hello said = hello("n1", 1, 55);
  said.held.emplace().push_back({id(1), "orders", wire::digest_of_request("place", "body")});

  BOOST_REQUIRE(join(1, said));

  BOOST_REQUIRE(refusal(1).has_value());
  BOOST_TEST((refusal(1)->code == errc::conflict));
  reply(1, 1);
  BOOST_TEST(answers(1) == 0U);
  BOOST_TEST(tested.size() == 0U);
}

BOOST_FIXTURE_TEST_CASE(
    a_call_at_another_worker_ends_when_its_id_turns_out_to_be_taken, router_fixture) {
  BOOST_REQUIRE(join("n2", 2, 1));
  call(1, 7, 5s, {}, "orders", "another body");
  wire::hello said = hello("n1", 0, 55);
  said.held.emplace().push_back({id(1), "orders", wire::digest_of_request("place", "body")});

  BOOST_REQUIRE(join(1, said));

  BOOST_REQUIRE(refusal(1).has_value());
  BOOST_TEST((refusal(1)->possible == effect::unknown));
  reply(1, 1);
  BOOST_TEST(answers(1) == 0U);
  BOOST_TEST(tested.size() == 1U); // It uses credit until its own worker replies.
  reply(2, 1);
  BOOST_TEST(answers(1) == 0U);
  BOOST_TEST(tested.size() == 0U);
}

// A worker of the release before names ids alone.
BOOST_FIXTURE_TEST_CASE(nothing_is_sent_before_all_is_known_that_a_worker_has, router_fixture) {
  BOOST_REQUIRE(join("n1", 1, 4));
  call(1, 0, 30s);
  lose(1);
  BOOST_REQUIRE(join("n1", 2, 4));
  BOOST_REQUIRE(join("n2", 9, 1));
  call(3, 0, 30s);
  call(2, 0, 30s);
  BOOST_REQUIRE(receivers(3) == std::vector<std::uint32_t>{9});
  lose(2); // Call 1 is a suspect that waits for n2, and call 2 waits for room.
  forget_all();

  auto said = hello("n1", 4, 77);
  const auto other = wire::digest_of_request("place", "another");
  const auto same = wire::digest_of_request("place", "body");
  said.held.emplace() = {
      {id(1), "orders", other}, {id(1), "orders", other}, {id(2), "orders", same}};
  BOOST_REQUIRE(join(3, said));

  BOOST_TEST(refusal(1).has_value());
  BOOST_TEST(receivers(2).empty()); // It is there.
  reply(3, 2);
  BOOST_TEST(answers(2) == 1U);
}

BOOST_FIXTURE_TEST_CASE(an_id_in_hand_for_an_unknown_request_is_answered_not_now, router_fixture) {
  wire::hello said = hello("n1", 2, 55);
  said.in_flight = {id(1)};
  BOOST_REQUIRE(join(1, said));

  call(1);
  BOOST_REQUIRE(refusal(1).has_value());
  BOOST_TEST((refusal(1)->code == errc::unavailable));
  reply(1, 1);
  forget_all();
  call(1);

  BOOST_TEST(receivers(1) == logins{1}, boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(of_too_many_calls_brought_along_further_ones_are_unknown, router_fixture) {
  std::vector<uuid> all;
  for (std::uint64_t i = 1; i <= directory::brought_max; ++i) {
    all.push_back(id(i));
  }
  BOOST_REQUIRE(join("n1", 1, 2, all));
  BOOST_REQUIRE(join("n2", 2, 2, {id(100'000)}));

  call(7);
  call(100'000);

  BOOST_TEST(receivers(7).empty());            // It is at n1.
  BOOST_TEST(receivers(100'000).size() == 1U); // Once more, and answered from the inbox.
}

BOOST_FIXTURE_TEST_CASE(an_id_alone_claims_a_call_that_this_broker_has_sent, router_fixture) {
  BOOST_REQUIRE(join("n1", 1, 1, {}, 55));
  call(1, 0, 5s);
  lose(1);
  wire::hello said = hello("n1", 1, 55);
  said.in_flight = {id(1)};

  BOOST_REQUIRE(join(2, said));

  BOOST_TEST(receivers(1) == logins{1}, boost::test_tools::per_element());
  reply(2, 1);
  BOOST_TEST(answers(1) == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_login_claims_what_waits_and_only_that, router_fixture) {
  BOOST_REQUIRE(join("n1", 1, 1, {}, 55));
  call(1, 0, 5s);
  lose(1);
  BOOST_REQUIRE(join("n2", 2, 0));

  BOOST_REQUIRE(join("n1", 3, 1, {id(1)}, 55));

  BOOST_TEST(receivers(1) == logins{1}, boost::test_tools::per_element());
  BOOST_TEST(tested.counts().adopted == 1U);
  // The lost link was no death: two deaths are needed before the call is suspected.
  lose(3);
  BOOST_REQUIRE(join("n1", 4));
  BOOST_TEST(tested.counts().suspects == 0U);
  reply(4, 1);
  BOOST_TEST(answers(1) == 1U);
}

BOOST_FIXTURE_TEST_CASE(everybody_learns_who_is_there, router_fixture) {
  BOOST_REQUIRE(join("n1", 1));
  BOOST_REQUIRE(join("n3", 3));
  lose(1);

  BOOST_TEST(rosters == 3U);
  BOOST_REQUIRE(tested.roster().workers.size() == 1U);
  BOOST_TEST(tested.roster().workers[0].node == "n3");
}

// A link was lost for a moment, the call went to another worker, and now the first one answers.
BOOST_FIXTURE_TEST_CASE(an_answer_counts_whoever_sends_it, router_fixture) {
  BOOST_REQUIRE(join("n1", 1, 1, {}, 55));
  call(1);
  lose(1);
  BOOST_REQUIRE(join("n2", 2, 1));
  BOOST_REQUIRE(join("n1", 3, 0, {id(1)}, 55));

  reply(3, 1, "first");
  BOOST_TEST(answers(1) == 1U);
  call(2);
  BOOST_TEST(receivers(2).empty()); // The other worker is still busy with it.
  reply(2, 1, "second");

  BOOST_TEST(answers(1) == 1U);
  BOOST_TEST(receivers(2).size() == 1U);
}

// It would answer the call, and see the next one of its key wait.
BOOST_FIXTURE_TEST_CASE(
    a_worker_brings_along_calls_of_capabilities_that_it_serves, router_fixture) {
  call(1);
  wire::hello liar = hello("n2", 2, 5);
  liar.serves = {{.capability = "users", .credit = 2, .inbox = true, .replicas = 1}};
  liar.held = {{id(1), "orders", wire::digest_of_request("place", "body")}};
  BOOST_REQUIRE(join(2, liar));
  BOOST_REQUIRE(join("n1", 1));

  BOOST_TEST(tested.counts().adopted == 0U);
  BOOST_TEST(tested.counts().stray_replies == 1U);
  BOOST_TEST(receivers(1).size() == 1U);
  reply(2, 1, "forged");
  BOOST_TEST(answers(1) == 0U);
  reply(1, 1, "right");
  BOOST_TEST(answers(1) == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
