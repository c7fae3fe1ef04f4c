#include "runtime/broker/cut_links.hpp"
#include "tests/broker/calls/router_fixture.hpp"
#include "tests/runtime/colliding_ids.hpp"

#include <boost/test/unit_test.hpp>

namespace troupe::broker {

namespace utf = boost::unit_test;

BOOST_AUTO_TEST_SUITE(runtime_broker_calls_suspects, *utf::label("unit") * utf::timeout(30))

using logins = std::vector<std::uint32_t>;

/// Two workers died with calls 1 and 2 in hand.
struct suspects_fixture : router_fixture {
  suspects_fixture() {
    (void)join("n1", 1, 4);
    call(1, 0, 30s);
    call(2, 0, 30s);
    lose(1);
    (void)join("n1", 2, 4);
    lose(2);
    forget_all();
  }

  /// `deaths` workers die with call `poison`, and nothing else in hand; the other call is answered.
  /// @return the last one's login.
  std::uint32_t die_alone_of(std::uint64_t poison, int deaths) {
    std::uint32_t login = 3;
    for (;; ++login) {
      BOOST_REQUIRE(join("n1", login, 4));
      BOOST_REQUIRE(delivered.size() == 1U);
      if (delivered[0].id != id(poison)) {
        const std::uint64_t other = 3 - poison;
        reply(login, other);
        BOOST_REQUIRE(delivered.size() == 2U);
      }
      delivered.clear();
      lose(login);
      if (--deaths == 0) {
        return login;
      }
    }
  }
};

BOOST_FIXTURE_TEST_CASE(suspects_are_sent_alone_one_after_another, suspects_fixture) {
  BOOST_TEST(tested.suspects() == 2U);

  BOOST_REQUIRE(join("n1", 3, 4));
  BOOST_REQUIRE(delivered.size() == 1U);
  call(3, 0, 30s);
  call(4, 0, 30s, {}, "users");
  BOOST_TEST(delivered.size() == 1U); // Nothing else goes there meanwhile.
  const bool first_is_1 = delivered[0].id == id(1);
  reply(3, first_is_1 ? 1 : 2);

  BOOST_REQUIRE(delivered.size() == 2U);
  BOOST_TEST((delivered[1].id == id(first_is_1 ? 2 : 1)));
  reply(3, first_is_1 ? 2 : 1);

  BOOST_TEST(receivers(3).size() == 1U);
  BOOST_TEST(receivers(4).size() == 1U);
  BOOST_TEST(tested.suspects() == 0U);
}

// A link that is cut a thousand times a second leaves traces of thousands of calls.
BOOST_FIXTURE_TEST_CASE(links_cut_without_end_convict_nobody, router_fixture) {
  std::uint64_t number = 1;
  BOOST_REQUIRE(join("n1", 1, 8, {}, 55));
  call(1, 0, 3'000s);
  for (std::uint32_t login = 1; login < 5'000; ++login) {
    for (int i = 0; i < 7; ++i) {
      call(++number, 0, 30s);
    }
    lose(login);
    BOOST_REQUIRE(join("n1", login + 1, 8, {}, 55));
    for (std::uint64_t each = number - 6; each <= number; ++each) {
      reply(login + 1, each);
    }
    forget_all();
  }

  BOOST_TEST(tested.counts().convicted == 0U);
  BOOST_TEST(tested.counts().suspects == 0U);
  reply(5'000, 1);
  BOOST_TEST(answers(1) == 1U);
}

// A worker that takes smaller frames than it is sent: the same call would cut each of its logins.
BOOST_FIXTURE_TEST_CASE(a_call_that_cuts_link_after_link_is_set_aside, router_fixture) {
  const std::string large(1'100'000, 'x');
  BOOST_REQUIRE(join("n1", 1, 4, {}, 55));
  now += 1h; // It was served well until then.
  call(2, 0, 3'000s);
  call(1, 0, 3'000s, {}, "orders", large);
  std::uint32_t login = 1;
  for (int cut = 0; !refusal(1) && cut < 10; ++cut) {
    lose(login);
    BOOST_REQUIRE(join("n1", ++login, 4, {}, 55));
  }

  BOOST_REQUIRE(refusal(1));
  BOOST_TEST((refusal(1)->code == errc::internal));
  BOOST_TEST(refusal(1)->message.find("node n1 cut its link") == 0U);
  BOOST_TEST(login == 1U + cuts_convicted);
  BOOST_TEST(has_event("call_set_aside"));
  reply(login, 2);
  BOOST_TEST(answers(2) == 1U);
  forget_all();

  call(1, 0, 3'000s, {}, "orders", large); // Who asks again cuts no link.
  BOOST_REQUIRE(refusal(1));
  BOOST_TEST((refusal(1)->code == errc::internal));
  BOOST_TEST(receivers(1).empty());
  leave(login);
  BOOST_REQUIRE(join("n1", ++login, 4, {}, 55));
  forget_all();
  call(1, 0, 3'000s, {}, "orders", large); // The same process takes no more than before.
  BOOST_TEST(receivers(1).empty());

  leave(login);
  BOOST_REQUIRE(join("n1", ++login, 4, {}, 56)); // It was mended, and started again.
  forget_all();
  call(1, 0, 3'000s, {}, "orders", large);
  BOOST_TEST(receivers(1).size() == 1U);
  reply(login, 1);
  BOOST_TEST(answers(1) == 1U);
}

// Its links end for another reason: a worker that answers what was sent later has the large call.
BOOST_FIXTURE_TEST_CASE(a_call_that_was_taken_has_cut_no_link, router_fixture) {
  BOOST_REQUIRE(join("n1", 1, 4, {}, 55));
  call(1, 0, 3'000s, {}, "orders", std::string(1'100'000, 'x'));
  for (std::uint32_t login = 1; login < 10; ++login) {
    call(1 + login, 0, 3'000s);
    reply(login, 1 + login);
    lose(login);
    BOOST_REQUIRE(join("n1", login + 1, 4, {}, 55));
  }

  BOOST_TEST(!refusal(1));
  reply(10, 1);
  BOOST_TEST(answers(1) == 1U);
}

// Only what is larger than all that was taken may have cut the link.
BOOST_FIXTURE_TEST_CASE(of_two_large_calls_the_larger_one_alone_is_set_aside, router_fixture) {
  BOOST_REQUIRE(join("n1", 1, 4, {}, 55));
  call(1, 0, 3'000s, {}, "orders", std::string(1'100'000, 'x'));
  call(2, 0, 3'000s, {}, "orders", std::string(2'000'000, 'x'));
  call(3, 0, 3'000s, {}, "orders", std::string(1'200'000, 'x'));
  std::uint32_t login = 1;
  for (int cut = 0; !refusal(2) && cut < 10; ++cut) {
    lose(login);
    BOOST_REQUIRE(join("n1", ++login, 4, {}, 55));
  }
  reply(login, 1);
  reply(login, 3);

  BOOST_REQUIRE(refusal(2));
  BOOST_TEST(login == 1U + cuts_convicted);
  BOOST_TEST(answers(1) == 1U);
  BOOST_TEST(answers(3) == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_worker_that_ends_of_its_own_will_cuts_no_link, router_fixture) {
  BOOST_REQUIRE(join("n1", 1, 4, {}, 55));
  call(1, 0, 3'000s, {}, "orders", std::string(1'100'000, 'x'));
  for (std::uint32_t login = 1; login < 10; ++login) {
    leave(login);
    BOOST_REQUIRE(join("n1", login + 1, 4, {}, 55));
  }

  BOOST_TEST(!refusal(1));
}

BOOST_FIXTURE_TEST_CASE(links_that_end_for_another_reason_set_nothing_aside, router_fixture) {
  const std::string large(1'100'000, 'x');
  BOOST_REQUIRE(join("n1", 1, 4, {}, 55));
  call(1, 0, 3'000s, {}, "orders", large);
  for (std::uint32_t login = 1; login < 10; ++login) {
    now += 2s; // It had time to read the call.
    lose(login);
    BOOST_REQUIRE(join("n1", login + 1, 4, {}, 55));
  }
  BOOST_TEST(!refusal(1));
  reply(10, 1);
  call(2, 0, 3'000s);
  for (std::uint32_t login = 10; login < 20; ++login) {
    lose(login); // Every peer takes what is as small as this.
    BOOST_REQUIRE(join("n1", login + 1, 4, {}, 55));
  }

  BOOST_TEST(answers(1) == 1U);
  BOOST_TEST(!refusal(2));
}

BOOST_FIXTURE_TEST_CASE(a_call_that_its_worker_has_cut_no_link, router_fixture) {
  const std::string large(1'100'000, 'x');
  BOOST_REQUIRE(join("n1", 1, 4, {}, 55));
  call(1, 0, 3'000s, {}, "orders", large);
  for (std::uint32_t login = 1; login < 10; ++login) {
    lose(login);
    BOOST_REQUIRE(join("n1", login + 1, 4, {id(1)}, 55));
  }
  BOOST_TEST(!refusal(1));
  BOOST_TEST(receivers(1).size() == 1U);
  reply(10, 1);

  BOOST_TEST(answers(1) == 1U);
  BOOST_TEST(!has_event("call_set_aside"));
}

BOOST_FIXTURE_TEST_CASE(a_link_that_lasts_ends_the_row_of_cuts, router_fixture) {
  const std::string large(1'100'000, 'x');
  BOOST_REQUIRE(join("n1", 1, 4, {}, 55));
  call(1, 0, 3'000s, {}, "orders", large);
  for (std::uint32_t login = 1; login < 12; ++login) {
    if (login % cuts_convicted == 0) {
      now += 2s;
    }
    lose(login);
    BOOST_REQUIRE(join("n1", login + 1, 4, {}, 55));
  }

  BOOST_TEST(!refusal(1));
  reply(12, 1);
  BOOST_TEST(answers(1) == 1U);
}

BOOST_FIXTURE_TEST_CASE(
    a_suspect_whose_worker_comes_back_is_none_and_keeps_no_node, router_fixture) {
  BOOST_REQUIRE(join("n1", 1, 4, {}, 55));
  call(1, 0, 30s);
  lose(1);
  BOOST_REQUIRE(join("n2", 2, 4, {}, 66));
  lose(2);
  BOOST_TEST(tested.suspects() == 1U);

  BOOST_REQUIRE(join("n1", 3, 4, {}, 55)); // Only its link was cut.
  call(2, 0, 30s);

  BOOST_TEST(tested.suspects() == 0U);
  BOOST_TEST(receivers(1).back() == 3U);
  BOOST_TEST(receivers(2) == logins{3}); // It does not wait for the other's answer.
}

// The worker's answer was lost with its link, so it has nothing in hand; no process has died.
BOOST_FIXTURE_TEST_CASE(a_process_that_comes_back_is_no_death_of_its_calls, router_fixture) {
  for (std::uint32_t login = 1; login <= 2 * deaths_convicted; ++login) {
    BOOST_REQUIRE(join("n1", login, 4, {}, 55));
    if (login == 1) {
      call(1, 0, 30s);
    }
    lose(login);
  }
  BOOST_REQUIRE(join("n1", 99, 4, {}, 55));

  BOOST_TEST(!refusal(1));
  reply(99, 1);
  BOOST_TEST(answers(1) == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_node_finishes_its_work_before_it_gets_a_suspect, router_fixture) {
  BOOST_REQUIRE(join("n1", 1, 4));
  BOOST_REQUIRE(join("n2", 2, 4));
  state(2, 0);
  call(1, 0, 30s);
  lose(1);
  BOOST_REQUIRE(join("n1", 3, 4));
  lose(3);
  BOOST_TEST(tested.suspects() == 1U);
  forget_all();
  call(2, 0, 30s, {}, "users"); // To n2.

  state(2, 4);
  BOOST_TEST(receivers(1).empty());
  call(3, 0, 30s);
  BOOST_TEST(receivers(3).empty());
  reply(2, 2);

  BOOST_TEST(receivers(1) == logins{2}, boost::test_tools::per_element());
  BOOST_TEST(receivers(3).empty());
  reply(2, 1);
  BOOST_TEST(receivers(3) == logins{2}, boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(a_fifth_death_convicts_and_leaves_the_innocent_alone, suspects_fixture) {
  const std::uint64_t poison = 2;
  const std::uint64_t other = 1;

  const std::uint32_t last = die_alone_of(poison, 3);

  BOOST_REQUIRE(refusal(poison));
  BOOST_TEST((refusal(poison)->code == errc::crashed));
  BOOST_TEST((refusal(poison)->possible == effect::unknown));
  BOOST_TEST(has_event("call_convicted"));
  BOOST_TEST(answers(other) == 1U);
  BOOST_REQUIRE(join("n1", last + 1, 4));
  BOOST_TEST(tested.size() == 0U);
}

// Somebody who kills workers at random also hits the one that has a suspect.
BOOST_FIXTURE_TEST_CASE(
    a_death_alone_proves_nothing_yet_and_the_others_go_first, suspects_fixture) {
  BOOST_REQUIRE(join("n1", 3, 4));
  const std::uint64_t first = delivered.at(0).id == id(1) ? 1 : 2;
  lose(3);
  forget_all();

  BOOST_REQUIRE(join("n1", 4, 4));
  BOOST_TEST(receivers(3 - first).size() == 1U);
  BOOST_TEST(receivers(first).empty());
  reply(4, 3 - first);
  reply(4, first);

  BOOST_TEST(answers(first) == 1U);
  BOOST_TEST(answers(3 - first) == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_convicted_call_is_not_tried_again, suspects_fixture) {
  const std::uint64_t poison = 2;
  const std::uint32_t last = die_alone_of(poison, 3);
  BOOST_REQUIRE(join("n2", last + 1, 4));
  forget_all();

  call(poison, 99);

  BOOST_REQUIRE(refusal(poison));
  BOOST_TEST((refusal(poison)->code == errc::crashed));
  BOOST_TEST(receivers(poison).empty());
}

// The client gave up between two deaths and asked again: the count goes on.
BOOST_FIXTURE_TEST_CASE(deaths_are_remembered_beyond_the_call, router_fixture) {
  BOOST_REQUIRE(join("n1", 1));
  call(1, 0, 100ms);
  lose(1);
  advance(200ms);
  BOOST_TEST(tested.size() == 0U);
  BOOST_REQUIRE(join("n1", 2));
  call(1, 0, 100ms);
  lose(2);

  BOOST_TEST(tested.suspects() == 1U);
}

// A call that hangs for longer than its callers wait kills its worker when nobody waits any more.
BOOST_FIXTURE_TEST_CASE(deaths_count_when_nobody_waits_any_more, router_fixture) {
  for (std::uint32_t login = 1; login <= 5; ++login) {
    BOOST_REQUIRE(join("n1", login));
    call(1, login, 100ms);
    BOOST_REQUIRE(receivers(1).size() == 1U);
    advance(200ms);
    lose(login);
    forget_all();
  }
  BOOST_REQUIRE(join("n1", 6));

  call(1, 6);

  BOOST_REQUIRE(refusal(1));
  BOOST_TEST((refusal(1)->code == errc::crashed));
  BOOST_TEST(receivers(1).empty());
}

// The only node is kept free for a suspect event: that is no refusal.
BOOST_FIXTURE_TEST_CASE(a_suspect_waits_for_a_node_that_is_kept_free, suspects_fixture) {
  BOOST_REQUIRE(join("n1", 3, 4));
  const std::uint64_t first = delivered.at(0).id == id(1) ? 1 : 2;
  keep_free(3);

  reply(3, first);
  BOOST_TEST(answers(3 - first) == 0U);
  BOOST_TEST(!refusal(3 - first));
  let_go();
  reply(3, 3 - first);

  BOOST_TEST(answers(3 - first) == 1U);
}

// Two suspects at once could keep every node from its work.
BOOST_FIXTURE_TEST_CASE(
    a_suspect_waits_for_the_turn_of_an_event_at_another_node, suspects_fixture) {
  BOOST_REQUIRE(join("n1", 3, 4));
  BOOST_REQUIRE(join("n2", 4, 4));
  const std::uint64_t first = delivered.at(0).id == id(1) ? 1 : 2;
  keep_free(4);
  reply(3, first);
  BOOST_TEST(receivers(3 - first).empty());
  BOOST_TEST(alone.is_granted(suspect_of{0}));
  call(5);
  BOOST_TEST(receivers(5) == logins{3}, boost::test_tools::per_element());
  reply(3, 5);

  let_go();

  BOOST_TEST(receivers(3 - first).size() == 1U);
}

// The worker lived: asked for once more, the call is one like any other.
BOOST_FIXTURE_TEST_CASE(a_suspect_that_was_answered_is_none_any_more, router_fixture) {
  BOOST_REQUIRE(join("n1", 1));
  call(1, 0, 5s);
  lose(1);
  BOOST_REQUIRE(join("n1", 2));
  lose(2);
  BOOST_REQUIRE(join("n1", 3));
  BOOST_TEST(has_event("call_suspected"));
  reply(3, 1);
  forget_all();

  call(1, 0, 5s);

  BOOST_TEST(receivers(1) == std::vector<std::uint32_t>{3}, boost::test_tools::per_element());
  BOOST_TEST(!has_event("call_suspected"));
}

BOOST_FIXTURE_TEST_CASE(a_suspect_is_not_sent_to_a_node_that_is_kept_free, suspects_fixture) {
  BOOST_REQUIRE(join("n1", 3, 4));
  const std::uint64_t first = delivered.at(0).id == id(1) ? 1 : 2;
  keep_free(3);

  reply(3, first);

  BOOST_TEST(receivers(3 - first).empty());
}

BOOST_FIXTURE_TEST_CASE(a_suspect_whose_time_is_up_frees_its_node, router_fixture) {
  BOOST_REQUIRE(join("n1", 1));
  call(1, 0, 500ms);
  lose(1);
  BOOST_REQUIRE(join("n1", 2));
  lose(2);
  BOOST_REQUIRE(join("n2", 3));
  forget_all();
  BOOST_TEST(tested.suspects() == 0U); // The suspect is on its way.

  advance(600ms);
  call(2);
  BOOST_TEST(receivers(2).empty()); // The worker still has the suspect.
  reply(3, 1);

  BOOST_TEST(receivers(2).size() == 1U);
  BOOST_REQUIRE(refusal(1));
  BOOST_TEST((refusal(1)->code == errc::deadline_exceeded));
}

BOOST_FIXTURE_TEST_CASE(a_suspect_that_waits_for_its_turn_expires_too, router_fixture) {
  BOOST_REQUIRE(join("n1", 1));
  call(1, 0, 500ms);
  lose(1);
  BOOST_REQUIRE(join("n1", 2));
  lose(2);
  call(2, 0, 30s, {}, "users");
  BOOST_REQUIRE(join("n2", 3));
  forget_all();

  advance(600ms);
  call(3);

  BOOST_REQUIRE(refusal(1));
  BOOST_TEST((refusal(1)->possible == effect::unknown));
  BOOST_TEST(tested.suspects() == 0U);
  (void)receivers(3);
}

// Its time alone is over, and others are beside it: any of them may have killed the worker.
BOOST_FIXTURE_TEST_CASE(a_death_beside_others_convicts_nobody, router_fixture) {
  const auto pass = [&](milliseconds by) {
    for (const instant until = now + by; now < until;) {
      alone.tick(now);
      advance(10ms);
    }
  };
  call(1, 0, 3'000s);
  std::uint32_t login = 1;
  for (; login <= 10; ++login) {
    BOOST_REQUIRE(join("n1", login, 4));
    BOOST_TEST(!receivers(1).empty());
    pass(33s); // Beside others, whatever it was allowed by then.
    call(100 + login);
    BOOST_TEST(!receivers(100 + login).empty());
    lose(login);
    BOOST_TEST(!has_event("call_convicted"));
    forget_all();
    pass(33s); // The other one's caller gives up, and the quarantine rests.
  }

  // What takes long to kill has the time to do it alone, and then it is convicted.
  for (const std::uint32_t last = login + 2; login <= last; ++login) {
    BOOST_REQUIRE(join("n1", login, 4));
    pass(20s);
    BOOST_TEST(!receivers(1).empty());
    call(100 + login);
    BOOST_TEST(receivers(100 + login).empty());
    lose(login);
    pass(33s);
  }
  BOOST_REQUIRE(refusal(1));
  BOOST_TEST((refusal(1)->code == errc::crashed));
}

BOOST_FIXTURE_TEST_CASE(other_nodes_go_on_while_a_suspect_has_its_turn, suspects_fixture) {
  BOOST_REQUIRE(join("n1", 3, 4));
  BOOST_REQUIRE(join("n2", 4, 4));

  call(5);

  BOOST_TEST(receivers(5) == logins{4}, boost::test_tools::per_element());
}

// Calls held, calls that a worker brings along, and calls that workers died with: a table that
// doubles, or is searched from end to end, whenever many ids meet in one place takes all memory or
// time.
BOOST_AUTO_TEST_CASE(ids_made_for_one_place_cost_no_more_than_others, *utf::timeout(20)) {
  constexpr std::uint32_t count = 9'000;
  router_options options = router_fixture::usual();
  options.capabilities[0].queue_max = count;
  router_fixture system{options};
  const auto chosen = colliding_ids(std::size_t{2} * count);
  std::string header;
  for (std::uint32_t i = 0; i < count; ++i) {
    header.clear();
    wire::append_call_header(
        header, {.id = chosen[i], .to = "orders", .op = "place", .ttl = 60'000});
    system.tested.call(origin{i}, *wire::scan_header(header), header, {}, system.now, system.out);
  }
  BOOST_TEST(system.tested.size() == count);

  for (std::uint32_t life = 1; life <= 2; ++life) {
    wire::hello said = system.hello("n1", count, life);
    said.held.emplace();
    for (std::uint32_t i = count; i < 2 * count; ++i) {
      said.held->push_back({chosen[i], "orders", 1});
    }
    BOOST_REQUIRE(system.join(life, said));
    BOOST_TEST(system.tested.nodes().find_brought(chosen.back()) != nullptr);
    system.lose(life);
  }

  BOOST_TEST(system.tested.suspects() == count); // Two lives ended with each of them.
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
