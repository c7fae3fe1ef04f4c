#include "runtime/broker/cut_links.hpp"
#include "tests/broker/events/group/subscriber_fixture.hpp"

namespace troupe::broker {

BOOST_AUTO_TEST_SUITE(runtime_broker_events_group_isolation, *utf::label("unit") * utf::timeout(60))

/// `limits.body` is 4 MB.
struct large_fixture : subscriber_fixture {
  large_fixture() {
    subscriber_options options;
    options.body_bytes_max = 4'000'000;
    begin(options);
  }
};

BOOST_FIXTURE_TEST_CASE(an_event_two_workers_died_with_is_sent_alone, subscriber_fixture) {
  join(s1, "n1");
  offer(at(1));
  offer(at(2, 5));
  leave(s1, true);
  join(s1, "n1");
  handle(s1, 2, {}, {}, 5);
  offer(at(3, 6));
  leave(s1, true);
  delivered.clear();

  join(s1, "n1");
  BOOST_TEST(take_delivered() == (positions{3}));
  BOOST_REQUIRE(isolated.size() == 1U);
  offer(at(4, 7));
  BOOST_TEST(delivered.empty());

  grant(s1);
  BOOST_TEST(delivered.empty()); // The worker still has an event of this subscriber.
  handle(s1, 3, {}, {}, 6);
  BOOST_TEST(take_delivered() == positions{1});
  BOOST_TEST(released.empty());

  handle(s1, 1);
  BOOST_TEST(released.size() == 1U);
  BOOST_TEST(take_delivered() == positions{4});
}

// `limits.body` was lowered while the journal had a larger event: sent, it would cut its worker's
// connection without end.
BOOST_FIXTURE_TEST_CASE(an_event_larger_than_a_frame_is_a_dead_letter, subscriber_fixture) {
  subscriber_options options;
  options.body_bytes_max = 100;
  begin(options);
  join(s1, "n1");
  auto large = std::make_shared<event>(*at(2));
  large->body.assign(101, 'x');

  offer(at(1));
  offer(large);
  offer(at(3));
  handle(s1, 1);

  BOOST_TEST(take_delivered() == positions{1});
  BOOST_REQUIRE(dead_letters.size() == 1U);
  BOOST_TEST(dead_letters[0].letter.what->position == 2U);
  BOOST_TEST(dead_letters[0].letter.cause == "invalid");
  BOOST_TEST(dead_letters[0].letter.error.find("101 bytes") != std::string::npos);
  write_dead_letters();
  BOOST_TEST(take_delivered() == positions{3});
}

// A worker that takes smaller frames than it is sent: the same event would cut each of its logins.
BOOST_FIXTURE_TEST_CASE(an_event_that_cuts_link_after_link_is_a_dead_letter, large_fixture) {
  auto large = std::make_shared<event>(*at(2));
  large->body.assign(1'100'000, 'x');
  join(s1, "n1", 10, 5);
  now += 1h; // It was served well until then.
  offer(at(1));
  offer(large);
  offer(at(3));
  int times = 0;
  for (; dead_letters.empty() && times < 10; ++times) {
    leave(s1, true);
    join(s1, "n1", 10, 5);
  }

  BOOST_REQUIRE(dead_letters.size() == 1U);
  BOOST_TEST(times == int{cuts_convicted});
  BOOST_TEST(dead_letters[0].letter.what->position == 2U);
  BOOST_TEST(dead_letters[0].letter.cause == "internal");
  BOOST_TEST(dead_letters[0].letter.error.find("node n1 cut its link") == 0U);
  write_dead_letters();
  take_delivered();
  handle(s1, 1);
  BOOST_TEST(take_delivered() == positions{3});
}

/// Two groups of one worker.
struct two_groups_fixture {
  two_groups_fixture() {
    subscriber_options options;
    options.body_bytes_max = 4'000'000;
    options.index = 1;
    second.cuts = &first.own_cuts;
    second.begin(options);
  }

  void join() {
    first.join(s1, "n1", 10, 5);
    second.join(s1, "n1", 10, 5);
  }

  void cut() {
    first.leave(s1, true);
    second.leave(s1, true);
    join();
  }

  static event_ref large(std::uint64_t position, std::size_t bytes) {
    auto made = std::make_shared<event>(*subscriber_fixture::at(position));
    made->body.assign(bytes, 'x');
    return made;
  }

  large_fixture first;
  subscriber_fixture second;
};

// Each has a large event in hand when the link ends: what is smaller would have been taken.
BOOST_FIXTURE_TEST_CASE(of_two_groups_with_large_events_one_has_cut_the_link, two_groups_fixture) {
  join();
  first.offer(large(1, 1'100'000));
  second.offer(large(1, 1'200'000));
  second.offer(large(2, 2'000'000));
  first.offer(large(2, 1'500'000));
  int times = 0;
  for (; second.dead_letters.empty() && times < 10; ++times) {
    cut();
  }

  BOOST_TEST(times == int{cuts_convicted});
  BOOST_REQUIRE(second.dead_letters.size() == 1U);
  BOOST_TEST(second.dead_letters[0].letter.what->position == 2U);
  second.write_dead_letters();
  first.handle(s1, 2);
  second.handle(s1, 1);
  BOOST_TEST(first.dead_letters.empty());
  BOOST_TEST(second.dead_letters.size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(an_event_that_is_handled_at_last_has_cut_nothing, large_fixture) {
  auto large = std::make_shared<event>(*at(1));
  large->body.assign(1'100'000, 'x');
  join(s1, "n1", 10, 5);
  offer(large);
  for (int i = 0; i < 20; ++i) {
    now += 2s; // It had time to read the event.
    leave(s1, true);
    join(s1, "n1", 10, 5);
  }
  handle(s1, 1);

  BOOST_TEST(dead_letters.empty());
}

BOOST_FIXTURE_TEST_CASE(a_link_that_lasts_ends_an_event_s_row_of_cuts, large_fixture) {
  auto large = std::make_shared<event>(*at(1));
  large->body.assign(1'100'000, 'x');
  join(s1, "n1", 10, 5);
  offer(large);
  for (int i = 1; i < 20; ++i) {
    if (i % cuts_convicted == 0) {
      now += 2s;
    }
    leave(s1, true);
    join(s1, "n1", 10, 5);
  }
  handle(s1, 1);

  BOOST_TEST(dead_letters.empty());
}

BOOST_FIXTURE_TEST_CASE(suspects_follow_each_other_while_their_worker_is_free, subscriber_fixture) {
  join(s1, "n1");
  for (std::uint64_t i = 1; i <= 3; ++i) {
    offer(at(i, static_cast<std::uint32_t>(i)));
  }
  for (int i = 0; i < 2; ++i) {
    leave(s1, true);
    join(s1, "n1");
  }
  offer(at(4, 7));
  delivered.clear();
  grant(s1);

  BOOST_TEST(take_delivered() == positions{1});
  handle(s1, 1, {}, {}, 1);
  BOOST_TEST(take_delivered() == positions{2});
  advance(60ms);
  BOOST_TEST(released.empty());
  handle(s1, 2, {}, {}, 2);

  // The suspects have kept the worker from its other events for long enough.
  BOOST_TEST(released.size() == 1U);
  BOOST_TEST(take_delivered() == positions{4});
  grant(s1);
  handle(s1, 4, {}, {}, 7);
  BOOST_TEST(take_delivered() == positions{3});
}

BOOST_FIXTURE_TEST_CASE(five_deaths_make_a_dead_letter_that_is_skipped, subscriber_fixture) {
  join(s1, "n1");
  offer(at(1));
  offer(at(2));
  for (int i = 0; i < 4; ++i) {
    leave(s1, true);
    join(s1, "n1");
    if (!isolated.empty()) {
      grant(s1);
    }
  }
  // The first event was sent alone; nothing is proven about the second one.
  BOOST_TEST(take_delivered().back() == 1U);
  released.clear();
  leave(s1, true);
  BOOST_TEST(released.size() == 1U);
  BOOST_TEST(dead_letters.empty()); // Perhaps it died after its commit.
  join(s2, "n2");

  BOOST_REQUIRE(dead_letters.size() == 1U);
  BOOST_TEST(dead_letters[0].letter.what->position == 1U);
  BOOST_TEST(dead_letters[0].letter.cause == "crashed");
  BOOST_TEST(dead_letters[0].letter.attempts == 5U);
  BOOST_TEST(dead_letters[0].letter.node == "n1");
  BOOST_TEST(delivered.empty());

  write_dead_letters();
  BOOST_TEST(told.size() == 1U);
  BOOST_TEST(tested->cursors()[0] == 1U);
  // The second was there at two of the deaths.
  grant(s2);
  BOOST_TEST(take_delivered() == positions{2});
}

// A dead letter that an operator retries starts without deaths: the cause is likely mended.
// Its time alone is over when the worker dies, each time: something else may have killed it.
BOOST_FIXTURE_TEST_CASE(a_death_after_the_time_alone_convicts_no_event, subscriber_fixture) {
  offer(at(1, 5, "a"));
  for (int died = 1; died <= 8; ++died) {
    join(s1, "n1");
    if (died > 2) {
      grant(s1);
      for (const instant until = now + 40s; now < until; now += 10ms) {
        alone.tick(now);
      }
      event_decisions out;
      tested->follow_quarantine(now, out);
      carry_out(out);
    }
    BOOST_TEST(std::exchange(delivered, {}).size() == 1U);
    leave(s1, true);
    for (const instant until = now + 40s; now < until; now += 10ms) {
      alone.tick(now); // It rests.
    }
  }
  BOOST_TEST(dead_letters.empty());

  for (int died = 1; died <= 3; ++died) {
    BOOST_TEST(dead_letters.empty());
    join(s1, "n1");
    grant(s1);
    BOOST_TEST(std::exchange(delivered, {}).size() == 1U);
    leave(s1, true);
  }
  join(s1, "n1");
  BOOST_TEST(dead_letters.size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_letter_tried_again_is_no_suspect, subscriber_fixture) {
  join(s1, "n1");
  offer(at(1));
  for (int i = 0; i < 5; ++i) {
    leave(s1, true);
    join(s1, "n1");
    if (!isolated.empty()) {
      grant(s1);
    }
  }
  BOOST_REQUIRE(dead_letters.size() == 1U);
  write_dead_letters();
  isolated.clear();
  delivered.clear();

  auto again = std::make_shared<event>(*at(1));
  again->position = 9;
  offer(again);

  BOOST_TEST(take_delivered() == positions{9});
  BOOST_TEST(isolated.empty());
}

BOOST_FIXTURE_TEST_CASE(nor_is_one_that_had_failed_before_it_killed, subscriber_fixture) {
  join(s1, "n1");
  offer(at(1));
  handle(s1, 1, {failed(1, 1)});
  advance(130ms);
  answers_assign = false;
  for (int i = 0; i < 5; ++i) {
    leave(s1, true);
    join(s1, "n1");
    answer(assigns.back(), 0, 1, {failed(1, 1)});
    if (!isolated.empty()) {
      grant(s1);
    }
  }
  BOOST_REQUIRE(dead_letters.size() == 1U);
  write_dead_letters();
  isolated.clear();
  delivered.clear();

  auto again = std::make_shared<event>(*at(1));
  again->position = 9;
  offer(again);

  BOOST_TEST(take_delivered() == positions{9});
  BOOST_TEST(isolated.empty());
}

BOOST_FIXTURE_TEST_CASE(a_process_that_comes_back_did_not_die, subscriber_fixture) {
  join(s1, "n1", 10, 1);
  offer(at(1));
  leave(s1, true);
  join(s2, "n1", 10, 1);
  leave(s2, true);
  join(s3, "n1", 10, 1);

  BOOST_TEST(isolated.empty());
  BOOST_TEST(take_delivered() == (positions{1, 1, 1}));
}

// The process logs in on a new connection before the broker has given the old one up.
BOOST_FIXTURE_TEST_CASE(a_process_that_is_back_already_did_not_die_either, subscriber_fixture) {
  join(s1, "n1", 10, 1);
  offer(at(1));
  join(s2, "n1", 10, 1);
  leave(s1, true);
  leave(s2, false);
  join(s3, "n1");
  leave(s3, true); // The first death.

  join(s1, "n1");

  BOOST_TEST(isolated.empty());
  BOOST_TEST(delivered.back().second == 1U);
  BOOST_TEST((delivered.back().first == s1));
}

BOOST_FIXTURE_TEST_CASE(an_isolation_ends_with_its_worker_and_begins_anew, subscriber_fixture) {
  join(s1, "n1");
  offer(at(1));
  for (int i = 0; i < 2; ++i) {
    leave(s1, true);
    join(s1, "n1");
  }
  BOOST_REQUIRE(isolated.size() == 1U);
  delivered.clear();

  leave(s1, false);
  BOOST_TEST(released.size() == 1U);
  join(s2, "n2");
  BOOST_REQUIRE(isolated.size() == 2U);
  BOOST_TEST((isolated[1] == s2));
  grant(s1); // Too late.
  BOOST_TEST(delivered.empty());
  grant(s2);
  BOOST_TEST(take_delivered() == positions{1});
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
