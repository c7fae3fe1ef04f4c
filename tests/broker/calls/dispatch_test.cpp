#include "runtime/wire/envelope.hpp"
#include "tests/broker/calls/router_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <map>
#include <set>

namespace troupe::broker {

namespace utf = boost::unit_test;

namespace {

/// Keys that belong to `n1` (1) or `n2` (2) while both are here.
std::vector<std::string> keys_of(std::uint32_t login) {
  std::vector<std::string> found;
  for (int i = 0; i < 32; ++i) {
    router_fixture probe;
    (void)probe.join("n1", 1);
    (void)probe.join("n2", 2);
    std::string key = "key-" + std::to_string(i);
    probe.call(1, 0, 1s, key);
    if (probe.receivers(1).at(0) == login) {
      found.push_back(std::move(key));
    }
  }
  return found;
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_broker_calls_dispatch, *utf::label("unit") * utf::timeout(30))

using logins = std::vector<std::uint32_t>;

BOOST_FIXTURE_TEST_CASE(
    without_a_key_the_least_loaded_node_is_next_and_ties_go_round, router_fixture) {
  BOOST_REQUIRE(join("n1", 1, 10));
  BOOST_REQUIRE(join("n2", 2, 10));
  BOOST_REQUIRE(join("n3", 3, 10));

  std::map<std::uint32_t, int> share;
  for (std::uint64_t number = 1; number <= 9; ++number) {
    call(number);
    ++share[receivers(number).at(0)];
  }
  BOOST_TEST((share == std::map<std::uint32_t, int>{{1, 3}, {2, 3}, {3, 3}}));

  for (std::uint64_t number = 1; number <= 9; ++number) {
    if (receivers(number).at(0) == 2) {
      reply(2, number);
    }
  }
  call(10);
  BOOST_TEST(receivers(10) == logins{2}, boost::test_tools::per_element());

  // Idle nodes take turns too: one after another, each answered before the next.
  for (std::uint64_t number = 1; number <= 10; ++number) {
    for (std::uint32_t login = 1; login <= 3; ++login) {
      reply(login, number);
    }
  }
  std::set<std::uint32_t> asked;
  for (std::uint64_t number = 20; number < 23; ++number) {
    call(number);
    asked.insert(receivers(number).at(0));
    reply(receivers(number).at(0), number);
  }
  BOOST_TEST(asked.size() == 3U);
}

BOOST_FIXTURE_TEST_CASE(a_key_stays_with_its_node_while_that_has_room, router_fixture) {
  BOOST_REQUIRE(join("n1", 1, 100));
  BOOST_REQUIRE(join("n2", 2, 100));
  BOOST_REQUIRE(join("n3", 3, 100));

  std::map<std::string, std::uint32_t> home;
  std::uint64_t number = 0;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 30; ++i) {
      const std::string key = "key-" + std::to_string(i);
      call(++number, 0, 1s, key);
      const std::uint32_t got = receivers(number).at(0);
      BOOST_TEST(home.try_emplace(key, got).first->second == got);
    }
  }
  std::set<std::uint32_t> used;
  for (const auto& [key, login] : home) {
    used.insert(login);
  }
  BOOST_TEST(used.size() == 3U);

  // A node that leaves moves only its own keys.
  leave(2);
  for (const auto& [key, login] : home) {
    call(++number, 0, 1s, key);
    if (login != 2) {
      BOOST_TEST(receivers(number).at(0) == login);
    }
  }
}

BOOST_FIXTURE_TEST_CASE(a_key_waits_for_its_node_and_holds_up_nobody_else, router_fixture) {
  BOOST_REQUIRE(join("n1", 1, 1));
  BOOST_REQUIRE(join("n2", 2, 1));
  call(1, 0, 1s, "k");
  const std::uint32_t home = receivers(1).at(0);

  call(2, 0, 1s, "k");
  call(3, 0, 1s, "k");
  BOOST_TEST(receivers(2).empty());
  call(4);
  BOOST_TEST(receivers(4) == logins{3 - home}, boost::test_tools::per_element());

  reply(home, 1);
  BOOST_TEST(receivers(2) == logins{home}, boost::test_tools::per_element());
  BOOST_TEST(receivers(3).empty());
  reply(home, 2);
  BOOST_TEST(receivers(3) == logins{home}, boost::test_tools::per_element());
}

// The node drains: each key moves as soon as none of its own calls is there.
BOOST_FIXTURE_TEST_CASE(a_key_that_is_in_hand_holds_up_no_other_key, router_fixture) {
  const auto keys = keys_of(1);
  BOOST_REQUIRE(join("n1", 1, 2));
  BOOST_REQUIRE(join("n2", 2, 2));
  call(1, 0, 1s, keys.at(0));
  call(2, 0, 1s, keys.at(1));
  state(1, 2, "closed", 0ms, true);
  call(3, 0, 1s, keys.at(0));
  call(4, 0, 1s, keys.at(1));
  BOOST_TEST(delivered.size() == 2U);

  reply(1, 2);

  BOOST_TEST(receivers(3).empty());
  BOOST_TEST(receivers(4) == logins{2}, boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(a_key_leaves_the_line_of_a_node_that_stays_full, router_fixture) {
  const std::string stays = keys_of(1).at(0);
  const std::string moves = keys_of(2).at(0);
  BOOST_REQUIRE(join("n1", 1, 2));
  call(1, 0, 1s, moves);
  call(2);
  call(3, 0, 1s, stays);
  call(4, 0, 1s, moves);
  BOOST_REQUIRE(join("n2", 2, 2));
  BOOST_TEST(delivered.size() == 2U);

  reply(1, 1);
  BOOST_TEST(receivers(3) == logins{1}, boost::test_tools::per_element());
  call(5, 0, 1s, moves); // Its node has room, and an earlier call of its key waits elsewhere.
  BOOST_TEST(receivers(5).empty());
  advance(20ms);

  BOOST_REQUIRE(delivered.size() == 5U);
  BOOST_TEST((delivered[3].id == id(4)));
  BOOST_TEST((delivered[4].id == id(5)));
  BOOST_TEST(receivers(5) == logins{2}, boost::test_tools::per_element());
}

// An older call without a key has waited longer, and gets the room that both could have.
BOOST_FIXTURE_TEST_CASE(calls_with_and_without_a_key_are_sent_by_their_arrival, router_fixture) {
  BOOST_REQUIRE(join("n1", 1, 1));
  call(1, 0, 1s, "k");
  call(2, 0, 1s, "k");
  call(3);
  call(4, 0, 1s, "k");

  for (std::uint64_t number = 1; number <= 4; ++number) {
    BOOST_TEST(receivers(number) == logins{1}, boost::test_tools::per_element());
    BOOST_TEST(delivered.size() == number);
    reply(1, number);
  }
}

BOOST_FIXTURE_TEST_CASE(a_key_moves_when_nobody_has_it_in_hand, router_fixture) {
  BOOST_REQUIRE(join("n1", 1, 10));
  BOOST_REQUIRE(join("n2", 2, 10));
  call(1, 0, 1s, "k");
  const std::uint32_t home = receivers(1).at(0);
  reply(home, 1);
  leave(home);
  call(2, 0, 1s, "k");
  BOOST_TEST(receivers(2) == logins{3 - home}, boost::test_tools::per_element());

  BOOST_REQUIRE(join(home == 1 ? "n1" : "n2", 5, 10));
  call(3, 0, 1s, "k");
  BOOST_TEST(receivers(3) == logins{3 - home}, boost::test_tools::per_element());
  state(3 - home, 0, "closed", 0ms, true);
  call(4, 0, 1s, "k");
  BOOST_TEST(receivers(4).empty());
  reply(3 - home, 2);
  BOOST_TEST(receivers(4).empty());
  reply(3 - home, 3);
  BOOST_TEST(receivers(4) == logins{5}, boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(what_waits_for_a_node_that_dies_follows_what_it_had, router_fixture) {
  BOOST_REQUIRE(join("n1", 1, 2));
  for (std::uint64_t number = 1; number <= 4; ++number) {
    call(number, 0, 1s, "k");
  }
  lose(1);
  forget_all();

  BOOST_REQUIRE(join("n2", 2, 4));

  BOOST_REQUIRE(delivered.size() == 4U);
  for (std::uint64_t number = 1; number <= 4; ++number) {
    BOOST_TEST((delivered[number - 1].id == id(number)));
  }
}

BOOST_FIXTURE_TEST_CASE(a_key_that_waits_counts_for_the_queue_and_ends_in_time, router_fixture) {
  BOOST_REQUIRE(join("n1", 1, 1));
  for (std::uint64_t number = 1; number <= 6; ++number) {
    call(number, 0, 100ms, "k");
  }
  BOOST_REQUIRE(refusal(6).has_value());
  BOOST_TEST((refusal(6)->code == errc::overloaded));

  advance(150ms);

  for (std::uint64_t number = 2; number <= 5; ++number) {
    BOOST_REQUIRE(refusal(number).has_value());
    BOOST_TEST((refusal(number)->code == errc::deadline_exceeded));
  }
}

// For their spans: what the router ended by an error of its own, and neither what a worker answered
// nor what it never took in.
BOOST_FIXTURE_TEST_CASE(calls_that_the_router_ends_are_told_with_their_header, router_fixture) {
  BOOST_REQUIRE(join("n1", 1, 2));
  const instant began = now;
  call(1);
  call(2, 0, 100ms);
  reply(1, 1);
  call(3, 0, 1000ms, {}, "nobody");
  BOOST_TEST(refusal(3).has_value());
  BOOST_TEST(failed.empty());

  advance(150ms);

  BOOST_REQUIRE(failed.size() == 1U);
  BOOST_TEST((failed[0].id == id(2)));
  BOOST_TEST((failed[0].why == errc::deadline_exceeded));
  BOOST_TEST((failed[0].arrived == began));
  BOOST_TEST(wire::scan_header(failed[0].header)->to == "orders");
}

BOOST_FIXTURE_TEST_CASE(credit_is_never_exceeded_and_the_queue_keeps_order, router_fixture) {
  BOOST_REQUIRE(join("n1", 1, 2));
  for (std::uint64_t number = 1; number <= 6; ++number) {
    call(number);
  }
  BOOST_TEST(delivered.size() == 2U);

  reply(1, 2);
  reply(1, 1);

  BOOST_REQUIRE(delivered.size() == 4U);
  BOOST_TEST((delivered[2].id == id(3)));
  BOOST_TEST((delivered[3].id == id(4)));
}

BOOST_FIXTURE_TEST_CASE(credit_is_counted_per_capability, router_fixture) {
  BOOST_REQUIRE(join("n1", 1, 1));

  call(1);
  call(2, 0, 1s, {}, "users");

  BOOST_TEST(delivered.size() == 2U);
}

BOOST_FIXTURE_TEST_CASE(calls_wait_for_a_worker_to_log_in, router_fixture) {
  call(1);
  call(2);
  BOOST_TEST(delivered.empty());

  BOOST_REQUIRE(join("n1", 1));

  BOOST_TEST(delivered.size() == 2U);
}

BOOST_FIXTURE_TEST_CASE(a_refusal_without_effect_is_tried_at_another_node, router_fixture) {
  BOOST_REQUIRE(join("n1", 1));
  call(1);
  BOOST_REQUIRE(join("n2", 2));

  refuse_with(1, 1, {.code = errc::circuit_open, .message = "open", .retry_after = 700ms});
  BOOST_TEST(receivers(1) == (logins{1, 2}), boost::test_tools::per_element());
  refuse_with(2, 1, {.code = errc::overloaded, .message = "full", .retry_after = 300ms});

  BOOST_REQUIRE(refusal(1));
  BOOST_TEST((refusal(1)->code == errc::overloaded));
  BOOST_TEST((refusal(1)->retry_after == 300ms));
  BOOST_TEST((refusal(1)->possible == effect::none));
  BOOST_TEST(tested.size() == 0U);
}

// In a rolling upgrade the nodes of two releases differ.
BOOST_FIXTURE_TEST_CASE(
    an_operation_that_one_node_does_not_know_is_asked_for_at_another, router_fixture) {
  const error unknown{.code = errc::unknown_operation, .message = "did you mean `place`?"};
  BOOST_REQUIRE(join("n1", 1));
  call(1);
  call(2);
  BOOST_REQUIRE(join("n2", 2));

  refuse_with(1, 1, unknown);
  refuse_with(1, 2, unknown);
  BOOST_TEST(receivers(1) == (logins{1, 2}), boost::test_tools::per_element());
  reply(2, 1);
  refuse_with(2, 2, unknown);

  BOOST_TEST(answers(1) == 1U);
  BOOST_TEST(answers(2) == 1U); // As the last node put it, with its advice.
  BOOST_TEST(tested.size() == 0U);
}

// The newer node may have committed the call before it died. Whoever is asked next looks into no
// inbox before it says no.
BOOST_FIXTURE_TEST_CASE(a_refusal_after_a_worker_that_died_does_not_say_no_effect, router_fixture) {
  std::uint64_t number = 0;
  std::uint32_t login = 0;
  for (const errc said : {errc::unknown_operation, errc::deadline_exceeded}) {
    const std::uint32_t newer = ++login;
    BOOST_REQUIRE(join("n2", newer));
    call(++number);
    lose(newer);
    const std::uint32_t older = ++login;
    BOOST_REQUIRE(join("n1", older));
    BOOST_REQUIRE(receivers(number) == (logins{newer, older}));
    refuse_with(older, number, {.code = said, .message = "no"});

    BOOST_REQUIRE(refusal(number));
    BOOST_TEST((refusal(number)->code == said));
    BOOST_TEST((refusal(number)->possible == effect::unknown));
    BOOST_TEST(tested.size() == 0U);
    leave(older);
    lose(older);
  }
}

// It may have been carried out where it was on record.
BOOST_FIXTURE_TEST_CASE(
    a_refusal_after_a_worker_that_died_with_a_pending_call_does_not_say_no_effect, router_fixture) {
  BOOST_REQUIRE(join("n1", 1));
  call(1, 0, 5s);
  pending(1, 1);
  lose(1);
  BOOST_REQUIRE(join("n1", 2));
  BOOST_REQUIRE(receivers(1) == (logins{1, 2}));

  refuse_with(2, 1, {.code = errc::unknown_operation, .message = "no"});

  BOOST_REQUIRE(refusal(1));
  BOOST_TEST((refusal(1)->possible == effect::unknown));
}

BOOST_FIXTURE_TEST_CASE(a_call_inherits_nothing_from_one_that_has_ended, router_fixture) {
  BOOST_REQUIRE(join("n1", 1));
  call(1);
  lose(1);
  BOOST_REQUIRE(join("n1", 2));
  reply(2, 1);
  call(2);
  lose(2); // The first death of this call, and the second worker that died.
  BOOST_TEST(tested.suspects() == 0U);
  BOOST_REQUIRE(join("n1", 3));
  reply(3, 2);
  call(3);

  refuse_with(3, 3, {.code = errc::unknown_operation, .message = "no"});

  BOOST_TEST(answers(3) == 1U);
  BOOST_TEST(!refusal(3)); // No worker that died had it: the answer is passed on unchanged.
}

// An answer from the inbox holds for every try.
BOOST_FIXTURE_TEST_CASE(
    a_last_word_after_a_worker_that_died_is_passed_on_as_it_is, router_fixture) {
  BOOST_REQUIRE(join("n2", 1));
  call(1);
  lose(1);
  BOOST_REQUIRE(join("n1", 2));
  refuse_with(2, 1, {.code = errc::rejected, .message = "sold out"});

  BOOST_TEST(answers(1) == 1U);
  BOOST_TEST(!refusal(1));
}

BOOST_FIXTURE_TEST_CASE(
    a_call_on_record_is_finished_by_a_node_that_refused_it_before, router_fixture) {
  BOOST_REQUIRE(join("n1", 1));
  call(1, 0, 5s);
  BOOST_REQUIRE(join("n2", 2));
  refuse_with(1, 1, {.code = errc::overloaded, .message = "full", .retry_after = 300ms});
  BOOST_REQUIRE(receivers(1) == (logins{1, 2}));
  pending(2, 1);

  lose(2);

  BOOST_TEST(!refusal(1));
  BOOST_TEST(receivers(1) == (logins{1, 2, 1}), boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(an_operation_that_only_a_busy_node_knows_is_not_unknown, router_fixture) {
  BOOST_REQUIRE(join("n1", 1));
  BOOST_REQUIRE(join("n2", 2));
  call(1);
  call(2);
  const std::uint32_t knows = receivers(1).at(0);
  const std::uint32_t other = receivers(2).at(0);
  refuse_with(knows, 1, {.code = errc::overloaded, .message = "full", .retry_after = 300ms});
  refuse_with(other, 1, {.code = errc::unknown_operation, .message = "no"});
  refuse_with(other, 2, {.code = errc::unknown_operation, .message = "no"});
  refuse_with(knows, 2, {.code = errc::overloaded, .message = "full", .retry_after = 300ms});

  for (const std::uint64_t each : {1U, 2U}) {
    BOOST_REQUIRE(refusal(each));
    BOOST_TEST((refusal(each)->code == errc::overloaded));
    BOOST_TEST((refusal(each)->retry_after == 300ms));
  }
  BOOST_TEST(tested.size() == 0U);
}

// The call was on its way when the node began to drain: nobody is to blame or left to ask.
BOOST_FIXTURE_TEST_CASE(a_call_that_a_draining_node_refuses_waits_for_the_next, router_fixture) {
  BOOST_REQUIRE(join("n1", 1));
  call(1);
  state(1, 0, "closed", 0ms, true);

  refuse_with(1, 1, {.code = errc::unavailable, .message = "draining", .retry_after = 50ms});
  BOOST_TEST(ended.empty());
  leave(1);
  BOOST_REQUIRE(join("n1", 2, 2, {}, 7));

  BOOST_TEST(receivers(1) == (logins{1, 2}), boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(a_refused_call_waits_for_a_node_that_is_only_busy, router_fixture) {
  BOOST_REQUIRE(join("n1", 1, 1));
  BOOST_REQUIRE(join("n2", 2, 1));
  call(1);
  call(2);
  const std::uint32_t first = receivers(1).at(0);
  const std::uint32_t second = receivers(2).at(0);

  refuse_with(first, 1, {.code = errc::circuit_open, .message = "open"});
  BOOST_TEST(ended.empty());
  call(3); // The call that waits does not hold it up.
  BOOST_TEST(receivers(3) == logins{first}, boost::test_tools::per_element());
  reply(second, 2);

  BOOST_TEST(receivers(1) == (logins{first, second}), boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(other_errors_are_answers, router_fixture) {
  BOOST_REQUIRE(join("n1", 1));
  BOOST_REQUIRE(join("n2", 2));
  call(1);
  call(2);

  refuse_with(receivers(1).at(0), 1, rejected("sold_out", "none left"));
  refuse_with(
      receivers(2).at(0),
      2,
      {.code = errc::unavailable, .possible = effect::unknown, .message = "who knows"});

  BOOST_TEST(answers(1) == 1U);
  BOOST_TEST(answers(2) == 1U);
  BOOST_TEST(delivered.size() == 2U);
}

BOOST_FIXTURE_TEST_CASE(a_node_with_an_open_breaker_is_avoided_until_its_time, router_fixture) {
  BOOST_REQUIRE(join("n1", 1, 10));
  BOOST_REQUIRE(join("n2", 2, 10));
  state(1, 10, "open", 200ms);

  call(1);
  call(2);
  BOOST_TEST(receivers(1) == logins{2}, boost::test_tools::per_element());
  BOOST_TEST(receivers(2) == logins{2}, boost::test_tools::per_element());

  advance(200ms);
  call(3);
  BOOST_TEST(receivers(3) == logins{1}, boost::test_tools::per_element());
}

// Nothing else sets the call moving: the other node has no room.
BOOST_FIXTURE_TEST_CASE(
    a_call_that_waits_goes_to_a_node_whose_breaker_had_its_time, router_fixture) {
  BOOST_REQUIRE(join("n1", 1, 1));
  BOOST_REQUIRE(join("n2", 2, 1));
  state(2, 1, "open", 200ms);
  call(1);
  call(2);
  BOOST_TEST(receivers(2).empty());

  advance(210ms);

  BOOST_TEST(receivers(2) == logins{2}, boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(all_breakers_open_is_said_at_once, router_fixture) {
  BOOST_REQUIRE(join("n1", 1));
  BOOST_REQUIRE(join("n2", 2));
  state(1, 2, "open", 500ms);
  state(2, 2, "open", 200ms);

  call(1);

  BOOST_REQUIRE(refusal(1));
  BOOST_TEST((refusal(1)->code == errc::circuit_open));
  BOOST_TEST((refusal(1)->retry_after == 200ms));
}

// The node that left had the call in hand and may have run it; the nodes that refused it did not.
BOOST_FIXTURE_TEST_CASE(
    a_refusal_after_a_worker_left_with_the_call_is_of_unknown_effect, router_fixture) {
  BOOST_REQUIRE(join("n1", 1));
  BOOST_REQUIRE(join("n2", 2));
  state(2, 2, "open", 200ms);
  call(1);
  BOOST_TEST(receivers(1) == logins{1}, boost::test_tools::per_element());

  leave(1);

  BOOST_REQUIRE(refusal(1));
  BOOST_TEST((refusal(1)->code == errc::circuit_open));
  BOOST_TEST((refusal(1)->possible == effect::unknown));
}

// A worker that comes back may have run the call, too, although it no longer has it in hand.
BOOST_FIXTURE_TEST_CASE(a_refusal_after_a_link_was_lost_is_of_unknown_effect, router_fixture) {
  BOOST_REQUIRE(join("n1", 1, 2, {}, 55));
  call(1);
  lose(1);
  BOOST_REQUIRE(join("n2", 2));
  BOOST_REQUIRE(join("n1", 3, 2, {}, 55)); // Its answer was lost with the link.
  state(3, 2, "open", 200ms);

  refuse_with(2, 1, {.code = errc::circuit_open, .message = "open", .retry_after = 200ms});

  BOOST_REQUIRE(refusal(1));
  BOOST_TEST((refusal(1)->possible == effect::unknown));
}

BOOST_FIXTURE_TEST_CASE(
    what_a_person_forced_open_is_refused_in_words_until_given_back, router_fixture) {
  BOOST_REQUIRE(join("n1", 1));
  state(1, 2, "open", 200ms, false, "forced open by ann: moving disks");

  advance(10s);
  call(1);

  BOOST_REQUIRE(refusal(1));
  BOOST_TEST((refusal(1)->code == errc::circuit_open));
  BOOST_TEST((refusal(1)->retry_after == 200ms));
  BOOST_TEST(
      refusal(1)->message
      == "every live node of `orders` has an open circuit breaker; that of n1 is forced open by "
         "ann: moving disks");
  BOOST_TEST(refusal(1)->detail("fault") == "forced");

  state(1, 2, "half_open");
  call(2);
  BOOST_TEST(receivers(2) == logins{1}, boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(one_node_forced_open_is_avoided_and_the_other_serves, router_fixture) {
  BOOST_REQUIRE(join("n1", 1, 10));
  BOOST_REQUIRE(join("n2", 2, 10));
  state(1, 10, "open", 200ms, false, "forced open by ann: moving disks");

  advance(10s);
  call(1);
  call(2);

  BOOST_TEST(receivers(1) == logins{2}, boost::test_tools::per_element());
  BOOST_TEST(receivers(2) == logins{2}, boost::test_tools::per_element());
}

// What a person forced ends with the process, unless its successor says so again.
BOOST_FIXTURE_TEST_CASE(a_new_login_is_not_taken_for_the_forced_one, router_fixture) {
  BOOST_REQUIRE(join("n1", 1));
  state(1, 2, "open", 200ms, false, "forced open by ann: moving disks");
  lose(1);

  BOOST_REQUIRE(join("n1", 2, 2, {}, 7));
  call(1);

  BOOST_TEST(receivers(1) == logins{2}, boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(a_group_that_is_down_is_unavailable, router_fixture) {
  BOOST_REQUIRE(join("n1", 1));
  state(1, 0, "down", 500ms);

  call(1);

  BOOST_REQUIRE(refusal(1));
  BOOST_TEST((refusal(1)->code == errc::unavailable));
  BOOST_TEST((refusal(1)->retry_after == 500ms));
}

BOOST_FIXTURE_TEST_CASE(
    a_shut_group_is_refused_with_its_reason_however_long_it_takes, router_fixture) {
  BOOST_REQUIRE(join("n1", 1));
  shut(1, "orders.db is damaged: restore a copy");

  for (std::uint64_t number = 1; number <= 2; ++number) {
    call(number);
    BOOST_REQUIRE(refusal(number));
    BOOST_TEST((refusal(number)->code == errc::unavailable));
    BOOST_TEST((refusal(number)->possible == effect::none));
    BOOST_TEST(!refusal(number)->retry_after.has_value());
    BOOST_TEST(refusal(number)->message.find("n1: orders.db is damaged") != std::string::npos);
    BOOST_TEST(refusal(number)->detail("fault") == "shut"); // The words are not for everybody.
    advance(60s);
  }
  call(3, 0, 1s, {}, "users");
  BOOST_TEST(receivers(3) == logins{1}, boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(a_node_where_a_group_is_shut_is_passed_over, router_fixture) {
  BOOST_REQUIRE(join("n1", 1, 1));
  BOOST_REQUIRE(join("n2", 2, 1));
  shut(1, "damaged");

  call(1);
  call(2); // Waits for n2's credit.

  BOOST_TEST(receivers(1) == logins{2}, boost::test_tools::per_element());
  BOOST_TEST(!refusal(2));
  reply(2, 1);
  BOOST_TEST(receivers(2) == logins{2}, boost::test_tools::per_element());
}

// Killing the one good worker of a capability must not fail its calls.
BOOST_FIXTURE_TEST_CASE(
    calls_wait_for_a_node_that_is_away_before_one_that_is_shut, router_fixture) {
  BOOST_REQUIRE(join("n1", 1));
  BOOST_REQUIRE(join("n2", 2));
  shut(1, "damaged");
  call(1, 0, 9s);
  lose(2);
  call(2, 0, 9s);
  BOOST_TEST(!refusal(1));
  BOOST_TEST(!refusal(2));

  BOOST_REQUIRE(join("n2", 3, 0));
  BOOST_TEST(!refusal(1)); // The other node may give credit yet.
  shut(3, "damaged");

  BOOST_REQUIRE(refusal(1));
  BOOST_TEST((refusal(1)->possible == effect::unknown)); // The worker that died may have run it.
  BOOST_REQUIRE(refusal(2));
  BOOST_TEST((refusal(2)->possible == effect::none));
}

BOOST_FIXTURE_TEST_CASE(a_login_after_the_repair_is_served_again, router_fixture) {
  BOOST_REQUIRE(join("n1", 1));
  shut(1, "damaged");
  leave(1);
  call(1);

  BOOST_REQUIRE(join("n1", 2));

  BOOST_TEST(receivers(1) == logins{2}, boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(a_draining_node_gets_nothing_more, router_fixture) {
  BOOST_REQUIRE(join("n1", 1));
  BOOST_REQUIRE(join("n2", 2));
  state(1, 0, "closed", 0ms, true);

  call(1, 0, 1s, {}, "users");
  call(2, 0, 1s, {}, "users");
  call(3);

  for (std::uint64_t number = 1; number <= 3; ++number) {
    BOOST_TEST(receivers(number) == logins{2}, boost::test_tools::per_element());
  }
  BOOST_TEST(has_event("worker_draining"));
}

BOOST_FIXTURE_TEST_CASE(more_credit_sends_what_waits, router_fixture) {
  BOOST_REQUIRE(join("n1", 1, 0));
  call(1);
  call(2);
  BOOST_TEST(delivered.empty());

  state(1, 1);
  BOOST_TEST(delivered.size() == 1U);
  state(1, 2);
  BOOST_TEST(delivered.size() == 2U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
