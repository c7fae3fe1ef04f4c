#include "tests/actor/saga_owner.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

using saga::test::make_step;
using saga::test::order_saga;

/// What a person says to a saga that waits.
struct said {
  uuid saga;
  bool yes = false;
};

TROUPE_MESSAGE(said, saga, yes)

/// reserve, then an approval, then confirm; all of it can be undone.
saga::definition approved() {
  saga::definition made{
      .operation = "place",
      .deadline = 60s,
      .steps =
          {make_step("reserve", saga::step_kind::compensatable, "release"),
           saga::waits<said>(
               "approval",
               "approve",
               30s,
               [](const said& answer) {
                 return answer.yes ? saga::heard{answer.saga}
                                   : saga::heard{answer.saga, rejected("declined", "no")};
               }),
           make_step("confirm", saga::step_kind::compensatable, "unconfirm")},
      .undo = "unplace"};
  return made;
}

std::string reason_of(const outcome<uuid>& told) {
  return told ? "" : std::string{told.error().detail("reason")};
}

struct waiting_fixture : coordinators_fixture {
  waiting_fixture() { BOOST_REQUIRE(first.start(id) && first.work(others)); }

  std::string yes() const { return wire::encoded(said{id, true}); }

  std::string no() const { return wire::encoded(said{id, false}); }

  owner first{path, time, approved()};
};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_saga_waiting, *utf::label("integration") * utf::timeout(60))

BOOST_FIXTURE_TEST_CASE(the_first_word_counts_and_the_saga_goes_on_in_its_turn, waiting_fixture) {
  BOOST_TEST(reason_of(first.say("approval", yes())) == "");
  BOOST_TEST(reason_of(first.say("approval", no())) == "answered");
  BOOST_TEST(first.work(others));

  BOOST_REQUIRE(first.answers.size() == 1);
  BOOST_TEST(!first.answers[0].failed);
  BOOST_TEST(reason_of(first.say("approval", yes())) == "over");
}

BOOST_FIXTURE_TEST_CASE(what_another_process_was_told_is_heard_by_the_owner, waiting_fixture) {
  owner second{path, time, approved()};

  BOOST_TEST(reason_of(second.say("approval", no())) == "");
  BOOST_TEST(first.calls.empty());
  BOOST_TEST(first.look());
  BOOST_TEST(first.work(others));

  BOOST_REQUIRE(first.answers.size() == 1);
  BOOST_TEST(first.answers[0].failed);
  BOOST_TEST(others.done == (std::vector<std::string>{"reserve", "release"}));
}

// Whoever was told that the answer counts was told so, also if the time is up before it is heard.
BOOST_FIXTURE_TEST_CASE(
    an_answer_that_was_taken_comes_before_the_end_of_the_time, waiting_fixture) {
  owner second{path, time, approved()};
  BOOST_REQUIRE(second.say("approval", yes()).has_value());

  BOOST_TEST(first.fire(first.timers.back()));

  BOOST_REQUIRE(first.calls.size() == 1);
  BOOST_TEST(first.calls[0].operation == "confirm");
}

BOOST_FIXTURE_TEST_CASE(an_answer_before_its_step_is_kept, coordinators_fixture) {
  owner first{path, time, approved()};
  BOOST_REQUIRE(first.start(id));

  BOOST_TEST(reason_of(first.say("approval", wire::encoded(said{id, true}))) == "");
  BOOST_TEST(first.work(others));

  BOOST_TEST(first.answers.size() == 1);
}

BOOST_FIXTURE_TEST_CASE(an_heir_hears_what_was_said_and_the_wait_goes_on, waiting_fixture) {
  owner second{path, time, approved()};
  BOOST_REQUIRE(second.say("approval", yes()).has_value());

  BOOST_TEST(second.take_over(first.writer));
  BOOST_TEST(second.work(others));

  BOOST_TEST(second.answers.size() == 1);
}

BOOST_FIXTURE_TEST_CASE(what_nobody_waits_for_is_refused, waiting_fixture) {
  BOOST_TEST(
      reason_of(first.say("approval", wire::encoded(said{uuid_source{9}.next(time.wall()), true})))
      == "no_saga");
  BOOST_TEST(!first.say("approval", "no message").has_value());
}

BOOST_FIXTURE_TEST_CASE(a_saga_that_is_a_step_is_undone_wherever_it_stands, waiting_fixture) {
  const uuid undo = uuid_source{7}.next(time.wall());
  const uuid again = uuid_source{8}.next(time.wall());

  BOOST_TEST(!first.undo(id, undo));
  BOOST_TEST(first.work(others));

  // Its own caller is told, and so is the one who had it undone.
  BOOST_REQUIRE(first.answers.size() == 2);
  BOOST_TEST((first.answers[0].call == undo));
  BOOST_TEST((first.answers[1].call == id));
  BOOST_TEST(first.undo(id, again));
  BOOST_TEST(others.done == (std::vector<std::string>{"reserve", "release"}));
}

BOOST_FIXTURE_TEST_CASE(a_completed_saga_is_undone_by_whoever_is_asked, waiting_fixture) {
  BOOST_REQUIRE(first.say("approval", yes()).has_value());
  BOOST_REQUIRE(first.work(others));
  owner second{path, time, approved()};
  const uuid undo = uuid_source{7}.next(time.wall());

  BOOST_TEST(!second.undo(id, undo));
  BOOST_TEST(second.work(others, second.commits + 1) == false);
  owner third{path, time, approved()}; // The second one dies between two undos.
  BOOST_TEST(third.take_over(second.writer));
  BOOST_TEST(third.work(others));

  BOOST_REQUIRE(third.answers.size() == 1);
  BOOST_TEST((third.answers[0].call == undo));
  BOOST_TEST(
      others.done == (std::vector<std::string>{"reserve", "confirm", "unconfirm", "release"}));
}

BOOST_FIXTURE_TEST_CASE(a_saga_that_was_undone_before_it_came_is_not_begun, coordinators_fixture) {
  owner first{path, time, approved()};
  BOOST_TEST(first.undo(id, uuid_source{7}.next(time.wall())));

  BOOST_TEST(first.turn([&](saga::outgoing& out) {
    const auto started = first.sagas.start(
        *first.session,
        first.writer,
        id,
        *first.sagas.plans().find("place"),
        "",
        5s,
        time.wall(),
        out);
    BOOST_REQUIRE(!started.has_value());
    BOOST_TEST(started.error().detail("reason") == "undone");
  }));
}

BOOST_FIXTURE_TEST_CASE(an_undo_in_another_process_reaches_the_owner, waiting_fixture) {
  owner second{path, time, approved()};
  const uuid undo = uuid_source{7}.next(time.wall());

  BOOST_TEST(!second.undo(id, undo));
  BOOST_TEST(second.calls.empty());
  BOOST_TEST(first.look());
  BOOST_TEST(first.work(others));

  BOOST_TEST(first.answers.size() == 2);
}

// Its owner completes it before it looks for what others were asked.
BOOST_FIXTURE_TEST_CASE(an_undo_that_a_completion_overtakes_is_carried_out, waiting_fixture) {
  owner second{path, time, approved()};
  const uuid undo = uuid_source{7}.next(time.wall());
  BOOST_TEST(!second.undo(id, undo));
  BOOST_REQUIRE(first.say("approval", yes()).has_value());
  BOOST_REQUIRE(first.work(others));
  BOOST_REQUIRE(first.answers.size() == 1);

  BOOST_TEST(first.look());
  BOOST_TEST(first.work(others));

  BOOST_REQUIRE(first.answers.size() == 2);
  BOOST_TEST((first.answers[1].call == undo));
  BOOST_TEST(
      others.done == (std::vector<std::string>{"reserve", "confirm", "unconfirm", "release"}));
}

BOOST_FIXTURE_TEST_CASE(
    a_saga_that_is_parked_while_undoing_stays_parked_when_it_is_to_be_undone, waiting_fixture) {
  others.refuses = "release";
  BOOST_REQUIRE(first.say("approval", no()).has_value());
  BOOST_REQUIRE(first.work(others));
  BOOST_REQUIRE(first.parked.size() == 1);
  const uuid undo = uuid_source{7}.next(time.wall());

  BOOST_TEST(!first.undo(id, undo));
  BOOST_TEST(first.look());
  BOOST_TEST(first.number("SELECT COUNT(*) FROM sagas WHERE phase = 4") == 1);

  others.refuses.clear();
  BOOST_TEST(first.resume_by_person(id).has_value());
  BOOST_TEST(first.work(others));
  BOOST_REQUIRE(first.answers.size() == 2);
  BOOST_TEST((first.answers[0].call == undo));
}

BOOST_FIXTURE_TEST_CASE(a_saga_that_cannot_hear_does_not_undo_the_turn_of_others, waiting_fixture) {
  const uuid other = uuid_source{9}.next(time.wall());
  BOOST_REQUIRE(first.start(other) && first.work(others));
  uuid least;
  first.session->query("SELECT id FROM sagas ORDER BY id LIMIT 1", [&](const store::row& row) {
    least = row.id(0);
  });
  first.session->script(
      store::is_on_postgres()
          ? "ALTER TABLE saga_journal ADD CONSTRAINT refuse CHECK (kind <> 3 OR step <> 1 OR saga "
            "<> decode(replace('"
                + to_string(least) + "', '-', ''), 'hex')) NOT VALID"
          : "CREATE TRIGGER refuse BEFORE INSERT ON saga_journal WHEN NEW.kind = 3 AND NEW.step = 1"
            " AND NEW.saga = (SELECT MIN(id) FROM sagas) BEGIN SELECT RAISE(ABORT, 'no'); END");
  owner second{path, time, approved()};
  BOOST_REQUIRE(second.say("approval", yes()).has_value());
  BOOST_REQUIRE(second.say("approval", wire::encoded(said{other, true})).has_value());

  BOOST_TEST(first.look());

  BOOST_TEST(first.calls.size() == 1);
  BOOST_TEST(first.sagas.standing_now(time.wall()).failing == 1);
}

BOOST_FIXTURE_TEST_CASE(
    no_more_sagas_run_at_once_than_may_and_keys_take_turns, coordinators_fixture) {
  saga::definition narrow = order_saga();
  narrow.at_once = 2;
  owner first{path, time, narrow};
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

BOOST_FIXTURE_TEST_CASE(what_turns_back_keeps_its_place_before_what_is_new, coordinators_fixture) {
  saga::definition narrow = order_saga();
  narrow.at_once = 1;
  owner first{path, time, narrow};
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

BOOST_FIXTURE_TEST_CASE(an_heir_keeps_the_line_and_its_order, coordinators_fixture) {
  saga::definition narrow = order_saga();
  narrow.at_once = 1;
  owner first{path, time, narrow};
  uuid_source ids{3};
  const std::vector<uuid> sagas{
      ids.next(time.wall()), ids.next(time.wall()), ids.next(time.wall())};
  for (const uuid& each : sagas) {
    BOOST_REQUIRE(first.start(each, "a"));
  }
  owner second{path, time, narrow};

  BOOST_TEST(second.take_over(first.writer));
  BOOST_TEST(second.sagas.standing_now(time.wall()).queued == 2);
  BOOST_TEST(second.work(others));

  BOOST_REQUIRE(second.answers.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    BOOST_TEST((second.answers[i].call == sagas[i]));
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
