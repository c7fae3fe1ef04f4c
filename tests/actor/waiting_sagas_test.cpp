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
saga::definition approved(milliseconds within = 30s) {
  saga::definition made{
      .operation = "place",
      .deadline = 2 * within,
      .steps =
          {make_step("reserve", saga::step_kind::compensatable, "release"),
           saga::waits<said>(
               "approval",
               "approve",
               within,
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

// Whoever may publish an event could else take the coordinator, and all its sagas, along.
BOOST_FIXTURE_TEST_CASE(a_read_that_throws_refuses_its_message_and_no_other, coordinators_fixture) {
  saga::definition of = approved();
  of.steps[1].hears.read = [read = of.steps[1].hears.read](std::string_view body) {
    return body == "bad" ? throw 7 : read(body);
  };
  owner first{path, time, of};
  BOOST_REQUIRE(first.start(id) && first.work(others));

  const auto told = first.say("approval", "bad");
  BOOST_TEST(told.error().code == errc::invalid);
  BOOST_TEST(told.error().message.find("step `approval` of `place`") != std::string::npos);

  BOOST_TEST(first.say("approval", wire::encoded(said{id, true})).has_value());
  BOOST_TEST(first.work(others));
  BOOST_TEST(first.answers.size() == 1);
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

// The wait of 30 s, and the deadline of 60 s, would else stay in memory until they are over.
BOOST_FIXTURE_TEST_CASE(a_saga_that_ended_says_that_its_timers_are_void, waiting_fixture) {
  BOOST_TEST(first.timers.size() == 2);
  BOOST_TEST(first.stopped.empty());
  BOOST_REQUIRE(first.say("approval", yes()).has_value());
  BOOST_TEST(first.stopped.empty());

  BOOST_TEST(first.work(others));

  BOOST_TEST(first.answers.size() == 1);
  BOOST_TEST(first.stopped.contains(id));
}

BOOST_FIXTURE_TEST_CASE(a_saga_that_a_person_parks_says_so_too, waiting_fixture) {
  BOOST_TEST(first.obey(id, saga::verb::park).has_value());

  BOOST_TEST(first.stopped.contains(id));
}

// The log finds the trace by it.
BOOST_FIXTURE_TEST_CASE(what_is_said_of_a_saga_carries_its_trace, coordinators_fixture) {
  constexpr std::string_view trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  owner first{path, time};
  others.refuses = "confirm";
  BOOST_REQUIRE(first.ask_for(id, {}, trace).has_value());

  BOOST_TEST(first.work(others));

  BOOST_REQUIRE(first.parked.size() == 1);
  BOOST_TEST(first.parked[0].trace == trace);
}

BOOST_FIXTURE_TEST_CASE(a_saga_whose_events_fail_keeps_its_trace, coordinators_fixture) {
  constexpr std::string_view trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  owner first{path, time};
  BOOST_REQUIRE(first.ask_for(id, {}, trace).has_value());

  // As a worker does with an event that throws.
  first.session->begin();
  saga::outgoing out;
  const saga::outgoing::call& call = first.calls.front();
  first.sagas.answered(first.in(out), call.saga, call.token, false, "done");
  first.session->rollback();
  first.sagas.rolled_back();
  first.sagas.put_off(id, "disk I/O error", time.wall(), time.now());

  const saga::trouble* const its = first.sagas.standing_still().find(id);
  BOOST_REQUIRE(its != nullptr);
  BOOST_TEST(its->trace == trace);
}

BOOST_FIXTURE_TEST_CASE(a_saga_that_ends_in_its_first_turn_sets_no_timer, coordinators_fixture) {
  saga::definition passed_over = order_saga();
  for (saga::step& each : passed_over.steps) {
    each.when = [](const saga::facts&) -> outcome<bool> { return false; };
  }
  passed_over.answer = saga::test::body_for("none");
  owner first{path, time, passed_over};

  BOOST_TEST(first.start(id));

  BOOST_TEST(first.answers.size() == 1);
  BOOST_TEST(first.timers.empty());
}

BOOST_FIXTURE_TEST_CASE(
    sagas_that_are_read_anew_replace_the_timers_of_those_before, waiting_fixture) {
  first.sagas.forget_all();
  first.timers.clear();
  bool is_anew = false;

  BOOST_TEST(first.turn([&](saga::outgoing& out) {
    first.sagas.resume(first.in(out));
    is_anew = out.all_stopped;
  }));

  BOOST_TEST(!is_anew); // Said once it is on disk.
  BOOST_TEST(first.timers.size() == 2);
  BOOST_TEST(first.all_stopped == 1);
}

BOOST_FIXTURE_TEST_CASE(
    a_saga_that_is_read_while_the_wall_clock_is_wrong_still_waits, coordinators_fixture) {
  constexpr std::chrono::hours wrong_by{24 * 30};
  owner first{path, time, approved(std::chrono::hours{24 * 14})};
  BOOST_REQUIRE(first.start(id) && first.work(others));
  first.sagas.forget_all();
  first.timers.clear();
  first.settled = time.wall();
  time.advance(wrong_by);
  BOOST_TEST(first.resume());
  time.advance(-wrong_by);
  BOOST_REQUIRE(first.timers.size() == 2);

  for (const saga::outgoing::timer& each : std::exchange(first.timers, {})) {
    BOOST_TEST(each.delay.count() > 0);
    BOOST_TEST(first.fire(each));
  }

  BOOST_TEST(first.calls.empty());
  BOOST_TEST(first.number("SELECT phase FROM sagas") == 0);
  BOOST_TEST(first.say("approval", wire::encoded(said{id, true})).has_value());
  BOOST_TEST(first.work(others));
  BOOST_TEST(others.done == (std::vector<std::string>{"reserve", "confirm"}));
}

// A person holds the saga; whoever is asked answers all the same.
BOOST_FIXTURE_TEST_CASE(what_is_said_to_a_paused_saga_is_heard_once_it_goes_on, waiting_fixture) {
  BOOST_REQUIRE(first.obey(id, saga::verb::pause).has_value());
  BOOST_TEST(reason_of(first.say("approval", yes())) == "");
  BOOST_TEST(first.calls.empty());

  BOOST_TEST(first.resume_by_person(id).has_value());
  BOOST_TEST(first.work(others));

  BOOST_TEST(first.answers.size() == 1);
  BOOST_TEST(others.done == (std::vector<std::string>{"reserve", "confirm"}));
}

BOOST_FIXTURE_TEST_CASE(
    what_comes_for_a_saga_that_ended_in_this_turn_changes_nothing, waiting_fixture) {
  BOOST_REQUIRE(first.say("approval", yes()).has_value());
  BOOST_REQUIRE(first.calls.size() == 1);
  const saga::outgoing::call last = first.calls.front();
  first.calls.clear();

  BOOST_TEST(first.turn([&](saga::outgoing& out) {
    for (const bool failed : {false, false, true}) {
      std::string bytes = "done";
      if (failed) {
        bytes.clear();
        wire::append_error(bytes, rejected("no", "too late"));
      }
      first.sagas.answered(first.in(out), id, last.token, failed, bytes);
    }
    for (const saga::outgoing::timer& each : first.timers) {
      first.sagas.timer_due(first.in(out), id, each.token);
    }
  }));

  BOOST_REQUIRE(first.answers.size() == 1);
  BOOST_TEST(!first.answers[0].failed);
  BOOST_TEST(first.calls.empty());
  BOOST_TEST(first.sagas.running().size() == 0);
}

// As while a database fails over: the recovery of some must not leave the others behind.
BOOST_FIXTURE_TEST_CASE(a_turn_that_fails_while_sagas_are_read_loses_none, waiting_fixture) {
  BOOST_REQUIRE(first.start(uuid_source{9}.next(time.wall())) && first.work(others));
  first.sagas.forget_all();
  first.session->begin();
  saga::outgoing out;
  first.sagas.resume(first.in(out));
  first.session->rollback();
  first.sagas.rolled_back();

  BOOST_TEST(first.sagas.wants_resume(time.now()));
  BOOST_TEST(first.resume());

  BOOST_TEST(first.sagas.running().size() == 2);
  BOOST_TEST(!first.sagas.wants_resume(time.now()));
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

// As while two releases run beside each other: the newer one writes what the older cannot read.
BOOST_FIXTURE_TEST_CASE(
    a_word_to_a_saga_that_this_program_cannot_read_may_be_said_again, waiting_fixture) {
  first.session->execute("UPDATE saga_journal SET kind = 99 WHERE seq = 1");

  const auto told = first.say("approval", yes());

  BOOST_REQUIRE(!told.has_value());
  BOOST_TEST(is_momentary(told.error()));
  BOOST_TEST(told.error().retry_after.has_value());
  BOOST_TEST(first.number("SELECT COUNT(*) FROM saga_answers") == 0);
  first.session->execute("UPDATE saga_journal SET kind = 1 WHERE seq = 1");
  BOOST_TEST(first.say("approval", yes()).has_value());
}

BOOST_FIXTURE_TEST_CASE(
    a_call_and_an_event_for_a_saga_that_cannot_be_read_come_again, coordinators_fixture) {
  uuid placed;
  saga::definition waits{
      .operation = "place",
      .deadline = 60s,
      .steps = {saga::waits<thing>(
          "approval", "approve", 30s, [&placed](const thing&) { return saga::heard{placed}; })}};
  waits.steps[0].topic = "thing.approved";
  process p{time, "n1", saga_type("sagas", {waits}), things_options(folder)};
  p.start();
  placed = p.send("place", "input");
  p.run();
  const auto change = [&](const char* sql) {
    p.store->database->begin();
    p.store->database->execute(sql);
    p.store->database->commit();
  };
  change("UPDATE saga_journal SET kind = 99 WHERE seq = 1");

  BOOST_TEST((p.call("approve", thing{"yes"}).why.code == errc::unavailable));
  BOOST_TEST(p.number("SELECT COUNT(*) FROM inbox") == 1); // Of `place`.
  p.assign_all(1);
  p.run();
  p.deliver(1, "", {"yes"}, "thing.approved");
  p.run();
  BOOST_REQUIRE(p.handled.size() == 1U);
  BOOST_REQUIRE(p.handled[0].waiting.size() == 1U);
  BOOST_TEST(!p.handled[0].waiting[0].dead);

  change("UPDATE saga_journal SET kind = 1 WHERE seq = 1");
  time.advance(10s);
  p.deliver(1, "", {"yes"}, "thing.approved");
  p.run();
  BOOST_TEST(p.number("SELECT phase FROM sagas") == 2);
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
    const auto started =
        first.sagas.start(first.in(out), id, *first.sagas.plans().find("place"), "", 5s);
    BOOST_REQUIRE(!started.has_value());
    BOOST_TEST(started.error().detail("reason") == "undone");
  }));
}

// It may have been carried out, and its row deleted since.
BOOST_FIXTURE_TEST_CASE(the_undo_of_a_saga_that_may_be_forgotten_is_no_ok, waiting_fixture) {
  uuid_source ids{7};
  const uuid gone = uuid_source{9}.next(time.wall() - 1h);
  outcome<bool> of_gone;
  outcome<bool> of_known;
  BOOST_REQUIRE(first.turn([&](saga::outgoing& out) {
    out.sagas_from = time.wall() + 1h;
    const saga::plan& by = *first.sagas.plans().find("place");
    const auto undo = [&](const uuid& saga) {
      return first.sagas.undo(first.in(out), by, saga, ids.next(time.wall()));
    };
    of_gone = undo(gone);
    of_known = undo(id);
  }));

  BOOST_REQUIRE(!of_gone);
  BOOST_TEST(of_gone.error().detail("reason") == "forgotten");
  BOOST_TEST(of_known.has_value());
  BOOST_TEST(first.number("SELECT COUNT(*) FROM saga_recalls") == 1);
}

// Its row would be the oldest of all, and go with the next that are.
BOOST_FIXTURE_TEST_CASE(
    a_saga_that_was_undone_under_a_clock_that_is_behind_is_not_begun, coordinators_fixture) {
  const std::chrono::hours day{24};
  manual_clock behind;
  time.advance(100 * day);
  const uuid child = uuid_source{9}.next(time.wall());
  owner first{path, behind, approved()};
  BOOST_TEST(first.undo(child, uuid_source{7}.next(time.wall())));
  const auto forget = [&] {
    return first.turn([&](saga::outgoing&) {
      saga::journal_table{*first.session}.forget({}, time.wall() - 90 * day, 100);
    });
  };

  BOOST_TEST(forget());
  BOOST_TEST(first.ask_for(child).error().detail("reason") == "undone");

  // The saga of which this one is a step stood still for 100 days.
  const uuid old = uuid_source{8}.next(behind.wall());
  first.settled = time.wall();
  BOOST_TEST(first.undo(old, uuid_source{6}.next(time.wall())));
  BOOST_TEST(forget());
  BOOST_TEST(first.ask_for(old).error().detail("reason") == "undone");

  time.advance(91 * day);
  BOOST_TEST(forget());
  BOOST_TEST(first.number("SELECT COUNT(*) FROM saga_recalls") == 0);
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

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
