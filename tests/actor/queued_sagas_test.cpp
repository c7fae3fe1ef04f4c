#include "tests/actor/saga_owner.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

/// Sagas of which few run at once; they can be undone as steps of others.
saga::definition narrow(int at_once, int queue = 10'000) {
  saga::definition made = saga::test::order_saga();
  made.steps.resize(2);
  made.undo = "unplace";
  made.at_once = at_once;
  made.queue = queue;
  return made;
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_saga_queued, *utf::label("integration") * utf::timeout(60))

BOOST_FIXTURE_TEST_CASE(
    no_more_sagas_run_at_once_than_may_and_keys_take_turns, coordinators_fixture) {
  owner first{path, time, narrow(2)};
  uuid_source ids{3};
  std::vector<uuid> sagas;
  // Four of one key come before the one of another.
  for (const char* const key : {"a", "a", "a", "a", "b"}) {
    sagas.push_back(ids.next(time.wall()));
    BOOST_REQUIRE(first.start(sagas.back(), key));
  }
  BOOST_REQUIRE(first.calls.size() == 2);
  BOOST_TEST(first.sagas.standing_now(time.wall()).queued == 3);

  std::vector<uuid> order;
  while (!first.calls.empty()) {
    if (first.calls.front().operation == "reserve") {
      order.push_back(first.calls.front().saga);
    }
    BOOST_TEST(first.sagas.standing_now(time.wall()).forward <= 2);
    first.work(others, first.commits + 1);
  }

  BOOST_TEST(first.answers.size() == 5);
  BOOST_TEST((order == std::vector<uuid>{sagas[0], sagas[1], sagas[2], sagas[4], sagas[3]}));
}

BOOST_FIXTURE_TEST_CASE(
    a_full_queue_refuses_what_is_new_and_takes_it_once_there_is_room, coordinators_fixture) {
  owner first{path, time, narrow(1, 2)};
  uuid_source ids{3};
  for (int i = 0; i < 3; ++i) {
    BOOST_REQUIRE(first.start(ids.next(time.wall())));
  }
  const uuid late = ids.next(time.wall());

  const auto refused = first.ask_for(late);

  BOOST_REQUIRE(!refused);
  BOOST_TEST((refused.error().code == errc::overloaded));
  BOOST_TEST((refused.error().possible == effect::none));
  BOOST_TEST(refused.error().retry_after.has_value());
  BOOST_TEST(refused.error().detail("reason") == "queue_full");
  BOOST_TEST(first.number("SELECT COUNT(*) FROM sagas") == 3);
  BOOST_TEST(first.sagas.running().full() == "place");
  BOOST_TEST(first.sagas.standing_now(time.wall()).full == "place");

  while (first.answers.empty()) {
    first.work(others, first.commits + 1);
  }
  BOOST_TEST(first.sagas.running().full().empty());
  BOOST_TEST(first.ask_for(late).has_value());
  BOOST_TEST(first.work(others));
  BOOST_TEST(first.answers.size() == 4);
}

// PostgreSQL takes no NUL in a text: what it threw ended the coordinator with all its sagas.
BOOST_FIXTURE_TEST_CASE(a_key_that_no_row_can_have_is_refused_alone, coordinators_fixture) {
  owner first{path, time, narrow(1)};
  uuid_source ids{3};

  const auto refused = first.ask_for(ids.next(time.wall()), std::string_view{"a\0b", 3});

  BOOST_REQUIRE(!refused);
  BOOST_TEST((refused.error().code == errc::invalid));
  BOOST_TEST(first.number("SELECT COUNT(*) FROM sagas") == 0);
  BOOST_TEST(first.start(ids.next(time.wall()), "a"));
}

BOOST_FIXTURE_TEST_CASE(
    a_full_queue_refuses_neither_what_is_taken_over_nor_what_is_undone, coordinators_fixture) {
  const saga::definition tight = narrow(1, 1);
  owner first{path, time, tight};
  owner second{path, time, tight};
  uuid_source ids{3};
  std::vector<uuid> sagas;
  for (owner* const each : {&first, &first, &second, &second}) {
    sagas.push_back(ids.next(time.wall()));
    BOOST_REQUIRE(each->start(sagas.back()));
  }

  BOOST_TEST(second.take_over(first.writer));
  BOOST_TEST(second.sagas.running().size() == 4);
  BOOST_TEST(!second.ask_for(ids.next(time.wall())).has_value());

  BOOST_TEST(!second.undo(sagas[0], ids.next(time.wall())));
  BOOST_TEST(second.obey(sagas[3], saga::verb::compensate).has_value());
  BOOST_TEST(second.work(others));
  BOOST_TEST(second.number("SELECT COUNT(*) FROM sagas WHERE phase = 3") == 2);
}

BOOST_FIXTURE_TEST_CASE(what_turns_back_keeps_its_place_before_what_is_new, coordinators_fixture) {
  owner first{path, time, narrow(1)};
  const uuid next = uuid_source{4}.next(time.wall());
  others.refuses = "credit";
  BOOST_REQUIRE(first.start(id) && first.start(next));

  while (first.answers.empty()) {
    BOOST_TEST((first.calls.front().saga == id));
    first.work(others, first.commits + 1);
  }

  BOOST_REQUIRE(!first.calls.empty());
  BOOST_TEST((first.calls.front().saga == next));
}

// By order, and not by time: whatever turns back is undone before another one begins in its place.
BOOST_FIXTURE_TEST_CASE(
    of_many_that_turn_back_each_is_undone_before_a_new_one_begins, coordinators_fixture) {
  constexpr int at_once = 3;
  constexpr int count = 12;
  owner first{path, time, narrow(at_once)};
  uuid_source ids{4};
  others.refuses = "credit";
  for (int i = 0; i < count; ++i) {
    BOOST_REQUIRE(first.start(ids.next(time.wall())));
  }

  std::int64_t most_turning_back = 0;
  while (!first.calls.empty()) {
    first.work(others, first.commits + 1);
    const std::int64_t begun =
        first.number("SELECT COUNT(DISTINCT saga) FROM saga_journal WHERE kind = 2");
    const std::int64_t over = first.number("SELECT COUNT(*) FROM sagas WHERE phase >= 2");
    BOOST_TEST(begun <= over + at_once);
    most_turning_back =
        std::max(most_turning_back, first.number("SELECT COUNT(*) FROM sagas WHERE phase = 1"));
  }

  BOOST_TEST(most_turning_back == at_once); // All places were of those that turn back, for a while.
  BOOST_TEST(first.number("SELECT COUNT(*) FROM sagas WHERE phase = 3") == count);
  BOOST_TEST(others.done.size() == 2U * count); // Each reserved and released, once.
}

BOOST_FIXTURE_TEST_CASE(an_heir_keeps_the_line_and_its_order, coordinators_fixture) {
  owner first{path, time, narrow(1)};
  uuid_source ids{3};
  const std::vector<uuid> sagas{
      ids.next(time.wall()), ids.next(time.wall()), ids.next(time.wall())};
  for (const uuid& each : sagas) {
    BOOST_REQUIRE(first.start(each, "a"));
  }
  owner second{path, time, narrow(1)};

  BOOST_TEST(second.take_over(first.writer));
  BOOST_TEST(second.sagas.standing_now(time.wall()).queued == 2);
  BOOST_TEST(second.work(others));

  BOOST_REQUIRE(second.answers.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    BOOST_TEST((second.answers[i].call == sagas[i]));
  }
}

// Else each start that is undone with its turn makes the bulkhead narrower.
BOOST_FIXTURE_TEST_CASE(a_start_that_was_undone_holds_no_place, coordinators_fixture) {
  owner first{path, time, narrow(1)};
  first.session->begin();
  saga::outgoing out;
  const saga::plan& by = *first.sagas.plans().find("place");
  BOOST_REQUIRE(first.sagas.start(first.in(out), id, by, "input", 5s));
  first.session->rollback();
  first.sagas.rolled_back();

  BOOST_TEST(first.start(uuid_source{4}.next(time.wall())));

  BOOST_TEST(first.calls.size() == 1);
  BOOST_TEST(first.sagas.running().size() == 1);
}

BOOST_FIXTURE_TEST_CASE(what_stands_still_gives_its_place_to_the_next, coordinators_fixture) {
  owner first{path, time, narrow(1)};
  const uuid next = uuid_source{4}.next(time.wall());
  BOOST_REQUIRE(first.start(id) && first.start(next));
  first.calls.clear();

  BOOST_TEST(first.obey(id, saga::verb::park).has_value());

  BOOST_REQUIRE(first.calls.size() == 1);
  BOOST_TEST((first.calls.front().saga == next));
}

BOOST_FIXTURE_TEST_CASE(what_is_turned_back_in_the_queue_holds_up_nobody, coordinators_fixture) {
  owner first{path, time, narrow(1)};
  uuid_source ids{4};
  const uuid second = ids.next(time.wall());
  const uuid third = ids.next(time.wall());
  BOOST_REQUIRE(first.start(id) && first.start(second) && first.start(third));

  BOOST_TEST(first.obey(second, saga::verb::compensate).has_value());

  BOOST_REQUIRE(first.answers.size() == 1);
  BOOST_TEST((first.answers[0].call == second));
  BOOST_TEST(first.sagas.running().waiting() == 1);
  BOOST_TEST(first.work(others));
  BOOST_TEST(first.answers.size() == 3);
}

// The projection of a release may refuse all that wait: one turn has not the time for them.
BOOST_FIXTURE_TEST_CASE(a_queue_that_ends_at_once_takes_several_turns, coordinators_fixture) {
  saga::definition odd = narrow(1);
  odd.steps[0].request = [](const saga::facts& known) -> outcome<std::string> {
    return known.saga == saga::test::some_saga() ? outcome<std::string>{"body"}
                                                 : failure{rejected("odd", "no")};
  };
  owner first{path, time, odd};
  BOOST_REQUIRE(first.start(id));
  uuid_source ids{4};
  for (int i = 0; i < 600; ++i) {
    BOOST_REQUIRE(first.start(ids.next(time.wall())));
  }
  BOOST_REQUIRE(first.obey(id, saga::verb::park).has_value());
  BOOST_TEST(first.answers.size() < 600);

  for (int i = 0; i < 3; ++i) {
    BOOST_TEST(first.look());
  }

  BOOST_TEST(first.answers.size() == 600);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
