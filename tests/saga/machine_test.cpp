#include "tests/saga/driver.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <stdexcept>

namespace utf = boost::unit_test;

namespace troupe::saga::test {

BOOST_AUTO_TEST_SUITE(runtime_saga_machine, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(a_saga_of_four_steps_takes_five_commits) {
  driver saga;

  saga.start().ok("a").ok("b").ok("c").ok("d");

  BOOST_TEST(
      saga.story()
      == "started intent:0 done:0 intent:1 done:1 intent:2 done:2 intent:3 done:3 completed");
  BOOST_TEST(saga.boundaries.size() == 5);
  BOOST_TEST((saga.current.now == phase::completed));
  BOOST_TEST(*saga.the<finish>().answer == "d");
}

BOOST_AUTO_TEST_CASE(the_journal_comes_before_the_act) {
  driver saga;

  saga.start();

  BOOST_REQUIRE(saga.actions.size() == 4);
  BOOST_TEST(std::holds_alternative<journal>(saga.actions[0]));
  BOOST_TEST(std::holds_alternative<journal>(saga.actions[1]));
  BOOST_TEST((saga.the<watch_deadline>().delay == 5s));
  BOOST_TEST((saga.the<call>().timeout == 500ms));
  BOOST_TEST(saga.rows[0].row.seq == 1);
  BOOST_TEST(saga.rows[1].row.seq == 2);
}

// A participant that knows another request under the id has carried that out, or does so now: no
// word of the business, whatever the step.
BOOST_AUTO_TEST_CASE(an_id_that_was_used_for_another_request_parks_and_undoes_nothing) {
  for (int done = 0; done < 4; ++done) {
    driver saga;
    saga.start();
    for (int i = 0; i < done; ++i) {
      saga.ok();
    }
    error other{.code = errc::conflict, .message = "this id was used for another request"};
    other.details.emplace_back("reason", "id_reused");

    saga.give(failed{saga.called().as, other});

    BOOST_TEST((saga.current.now == phase::parked));
    BOOST_TEST((saga.the<park>().reason.possible == effect::unknown));
    BOOST_TEST(
        saga.the<park>().reason.message.find("another request of step") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(a_caller_with_less_time_shortens_the_deadline_and_none_lengthens_it) {
  driver hasty;
  driver patient;

  hasty.give(started{.input = "in", .within = 1s});
  patient.give(started{.input = "in", .within = 60s});

  BOOST_TEST((hasty.the<watch_deadline>().delay == 1s));
  BOOST_TEST((hasty.current.deadline == hasty.now + 1s));
  BOOST_TEST((patient.the<watch_deadline>().delay == 5s));
}

BOOST_AUTO_TEST_CASE(the_answer_is_made_from_all_results) {
  definition with_answer = order_saga();
  with_answer.answer = [](const facts& known) -> outcome<std::string> {
    return known.results[0] + known.results[3];
  };
  driver saga{with_answer};

  saga.start().ok("a").ok("b").ok("c").ok("d");

  BOOST_TEST(*saga.the<finish>().answer == "ad");
}

BOOST_AUTO_TEST_CASE(an_answer_that_cannot_be_made_does_not_undo_what_is_done) {
  definition broken = order_saga();
  broken.answer = [](const facts&) -> outcome<std::string> { throw std::runtime_error{"oops"}; };
  driver saga{broken};

  saga.start().ok().ok().ok().ok();

  BOOST_TEST((saga.current.now == phase::completed));
  BOOST_TEST((saga.the<finish>().answer.error().code == errc::internal));
  BOOST_TEST((saga.the<finish>().answer.error().possible == effect::unknown));
}

BOOST_AUTO_TEST_CASE(a_refused_step_undoes_the_done_ones_in_reverse_and_answers_the_refusal) {
  driver saga;

  saga.start().ok().ok().refuse();
  BOOST_TEST(saga.operation() == "uncredit");
  saga.ok();
  BOOST_TEST(saga.operation() == "release");
  saga.ok();

  BOOST_TEST(
      saga.story()
      == "started intent:0 done:0 intent:1 done:1 intent:2 failed:2 undo_intent:1 undone:1 "
         "undo_intent:0 undone:0 compensated");
  BOOST_TEST((saga.the<finish>().answer.error().code == errc::rejected));
  BOOST_TEST(saga.the<finish>().answer.error().message == "no");
}

BOOST_AUTO_TEST_CASE(a_refused_first_step_ends_the_saga_at_once) {
  for (const errc code :
       {errc::rejected,
        errc::invalid,
        errc::conflict,
        errc::unknown_capability,
        errc::unknown_operation,
        errc::forbidden}) {
    driver saga;

    saga.start().fail(code);

    BOOST_TEST(saga.story() == "started intent:0 failed:0 compensated");
    BOOST_TEST((saga.the<finish>().answer.error().code == code));
  }
}

BOOST_AUTO_TEST_CASE(a_technical_failure_is_retried_under_the_same_id_with_doubling_back_off) {
  driver saga;
  saga.start();
  const uuid id = saga.called().id;

  saga.fail(errc::overloaded);
  const milliseconds first = saga.the<timer>().delay;
  saga.timer_fires();
  BOOST_TEST((saga.called().id == id));
  BOOST_TEST(saga.called().as.attempt == 2);
  saga.fail(errc::unavailable);
  const milliseconds second = saga.the<timer>().delay;

  BOOST_TEST((first > 37ms && first <= 50ms));
  BOOST_TEST((second > 75ms && second <= 100ms));
  BOOST_TEST(saga.rows.size() == 2);
}

BOOST_AUTO_TEST_CASE(back_off_heeds_retry_after_and_never_exceeds_two_seconds) {
  driver saga;
  saga.start();

  saga.give(
      failed{saga.called().as, {.code = errc::overloaded, .message = "", .retry_after = 700ms}});
  BOOST_TEST((saga.the<timer>().delay == 700ms));
  saga.timer_fires();
  saga.give(
      failed{saga.called().as, {.code = errc::circuit_open, .message = "", .retry_after = 60s}});

  BOOST_TEST((saga.the<timer>().delay == 2s));
}

BOOST_AUTO_TEST_CASE(spent_retries_without_any_effect_undo_only_the_steps_before) {
  driver saga;
  saga.start().ok();

  saga.fail(errc::unavailable).timer_fires().fail(errc::overloaded).timer_fires();
  saga.fail(errc::circuit_open);

  BOOST_TEST(saga.operation() == "release");
  saga.ok();
  // The answer is kept for the saga's id: nobody may take it for "not now".
  const error& answer = saga.the<finish>().answer.error();
  BOOST_TEST((answer.code == errc::rejected));
  BOOST_TEST(answer.detail("reason") == "circuit_open");
  BOOST_TEST(!answer.retry_after.has_value());
}

// A participant's inbox keeps such an answer, so that asking again brings nothing else.
BOOST_AUTO_TEST_CASE(a_technical_failure_that_is_final_is_a_refusal) {
  driver step;
  driver undo;
  const error stored{
      .code = errc::crashed, .possible = effect::unknown, .message = "once", .is_final = true};
  step.start().ok();
  undo.start().ok().refuse();

  step.give(failed{step.called().as, stored});
  undo.give(failed{undo.called().as, stored});

  BOOST_TEST(step.operation() == "uncredit"); // It may have happened.
  BOOST_TEST((undo.current.now == phase::parked));
  step.ok().ok();
  BOOST_TEST((step.the<finish>().answer.error().code == errc::rejected));
  BOOST_TEST(step.the<finish>().answer.error().detail("reason") == "crashed");
  BOOST_TEST(!step.the<finish>().answer.error().is_final);
}

BOOST_AUTO_TEST_CASE(a_completed_saga_whose_answer_cannot_be_made_says_that_this_is_final) {
  definition broken = order_saga();
  broken.answer = [](const facts&) -> outcome<std::string> { return failure{invalid("no")}; };
  driver saga{broken};

  saga.start().ok().ok().ok().ok();

  BOOST_TEST((saga.the<finish>().answer.error().code == errc::internal));
  BOOST_TEST(saga.the<finish>().answer.error().is_final);
}

BOOST_AUTO_TEST_CASE(a_saga_that_is_given_up_is_parked_with_the_reason_and_can_be_resumed) {
  driver saga;
  saga.start().ok();
  const uuid id = saga.called().id;

  saga.give(given_up{internal_error("nothing can be written")});

  BOOST_TEST((saga.current.now == phase::parked));
  BOOST_TEST(saga.the<park>().reason.message == "nothing can be written");
  BOOST_TEST((*replay(saga.by, saga.current.saga, saga.prefix(saga.rows.size())) == saga.current));
  saga.give(retry_by_operator{});
  BOOST_TEST((saga.called().id == id)); // It may have been carried out.
}

BOOST_AUTO_TEST_CASE(spent_retries_with_one_unknown_outcome_undo_that_step_too) {
  driver saga;
  saga.start().ok();
  const uuid done_id = saga.called().id;

  saga.fail(errc::deadline_exceeded, effect::unknown).timer_fires().fail(errc::unavailable);
  saga.timer_fires().fail(errc::unavailable);

  BOOST_TEST(saga.operation() == "uncredit");
  BOOST_TEST((saga.called().undoes == done_id));
  saga.ok();
  BOOST_TEST(saga.operation() == "release");
  saga.ok();
  BOOST_TEST((saga.the<finish>().answer.error().possible == effect::none));
}

BOOST_AUTO_TEST_CASE(rejected_answers_for_all_tries_of_its_id) {
  driver saga;
  saga.start().ok();

  saga.fail(errc::deadline_exceeded, effect::unknown).timer_fires().refuse();

  BOOST_TEST(saga.operation() == "release");
}

// Somebody on the way said no to the second try; that says nothing of the first.
BOOST_AUTO_TEST_CASE(another_refusal_after_an_unknown_outcome_undoes_that_step_too) {
  driver saga;
  saga.start().ok();

  saga.fail(errc::deadline_exceeded, effect::unknown).timer_fires().fail(errc::forbidden);

  BOOST_TEST(saga.operation() == "uncredit");
}

BOOST_AUTO_TEST_CASE(a_pivot_of_unknown_outcome_is_asked_until_the_time_is_up) {
  driver saga;
  saga.start().ok().ok();

  for (int i = 0; i < 20; ++i) {
    saga.fail(errc::deadline_exceeded, effect::unknown);
    BOOST_REQUIRE(saga.find<timer>() != nullptr);
    saga.timer_fires();
  }
  saga.ok();

  BOOST_TEST(saga.operation() == "confirm");
}

BOOST_AUTO_TEST_CASE(a_pivot_unknown_at_the_deadline_is_undone_if_it_can_be) {
  driver saga{order_saga("refund")};
  saga.start().ok().ok();

  saga.give(deadline_reached{});

  BOOST_TEST(saga.operation() == "refund");
  saga.ok().ok().ok();
  BOOST_TEST((saga.current.now == phase::compensated));
  BOOST_TEST((saga.the<finish>().answer.error().code == errc::rejected));
  BOOST_TEST(saga.the<finish>().answer.error().detail("reason") == "deadline_exceeded");
}

BOOST_AUTO_TEST_CASE(a_pivot_unknown_at_the_deadline_is_parked_if_it_cannot_be_undone) {
  driver saga;
  saga.start().ok().ok().fail(errc::crashed, effect::unknown);

  saga.give(deadline_reached{});

  BOOST_TEST((saga.current.now == phase::parked));
  BOOST_TEST((saga.the<park>().reason.possible == effect::unknown));
  BOOST_TEST(saga.the<park>().at.step == 2);
}

BOOST_AUTO_TEST_CASE(a_pivot_in_flight_at_the_deadline_gets_its_last_answer) {
  driver done;
  driver refused;
  driver unknown;
  for (driver* each : {&done, &refused, &unknown}) {
    each->start().ok().ok().give(deadline_reached{});
    BOOST_TEST(each->actions.empty());
  }

  done.ok();
  refused.refuse();
  unknown.fail(errc::deadline_exceeded, effect::unknown);

  BOOST_TEST(done.operation() == "confirm");
  BOOST_TEST(refused.operation() == "uncredit");
  BOOST_TEST((unknown.current.now == phase::parked));
}

BOOST_AUTO_TEST_CASE(a_pivot_known_not_to_have_happened_is_given_up_after_its_retries) {
  driver saga;
  saga.start().ok().ok();

  saga.fail(errc::unavailable).timer_fires().fail(errc::unavailable).timer_fires();
  saga.fail(errc::unavailable);

  BOOST_TEST(saga.operation() == "uncredit");
}

BOOST_AUTO_TEST_CASE(after_the_pivot_the_saga_only_goes_forward) {
  driver saga;
  saga.start().ok().ok().ok();

  saga.give(deadline_reached{});
  BOOST_TEST(saga.actions.empty());
  for (int i = 0; i < 50; ++i) {
    saga.fail(errc::unavailable);
    BOOST_TEST((saga.the<timer>().delay <= 2s));
    saga.timer_fires();
  }
  saga.ok();

  BOOST_TEST((saga.current.now == phase::completed));
}

// Each crash costs the participant an instance, so the saga must not ask without end.
BOOST_AUTO_TEST_CASE(a_retriable_step_that_crashes_is_asked_ever_more_slowly_and_parks) {
  driver saga;
  saga.start().ok().ok().ok();

  milliseconds longest{};
  for (int i = 1; i < crashes_max; ++i) {
    saga.fail(errc::crashed);
    longest = std::max(longest, saga.the<timer>().delay);
    saga.timer_fires();
  }
  BOOST_TEST((longest > backoff_max));
  BOOST_TEST((longest <= crash_backoff_max));
  saga.fail(errc::crashed);

  BOOST_TEST((saga.current.now == phase::parked));
  BOOST_TEST((saga.the<park>().reason.code == errc::crashed));
  saga.give(retry_by_operator{}); // The cause was mended.
  saga.ok();
  BOOST_TEST((saga.current.now == phase::completed));
}

BOOST_AUTO_TEST_CASE(an_undo_that_crashes_parks) {
  driver saga;
  saga.start().ok().refuse();

  for (int i = 1; i < crashes_max; ++i) {
    saga.fail(errc::crashed);
    saga.timer_fires();
  }
  saga.fail(errc::crashed);

  BOOST_TEST((saga.current.now == phase::parked));
  BOOST_TEST(saga.the<park>().at.undo);
}

BOOST_AUTO_TEST_CASE(a_refused_retriable_step_parks_with_the_reason) {
  driver saga;

  saga.start().ok().ok().ok().refuse();

  BOOST_TEST((saga.current.now == phase::parked));
  BOOST_TEST((saga.the<park>().reason.code == errc::rejected));
  BOOST_TEST(saga.rows.back().row.step == 3);
}

// A node of the release before, or after, may be asked during a rolling upgrade.
BOOST_AUTO_TEST_CASE(an_operation_that_is_unknown_for_a_while_parks_nothing) {
  driver forward;
  driver back;
  forward.start().ok().ok().ok();
  back.start().ok().refuse();

  for (driver* saga : {&forward, &back}) {
    for (const errc code : {errc::unknown_operation, errc::unknown_capability}) {
      for (int i = 0; i < 50; ++i) {
        saga->fail(code);
        BOOST_TEST((saga->the<timer>().delay <= 2s));
        saga->timer_fires();
      }
    }
    saga->ok();
  }

  BOOST_TEST((forward.current.now == phase::completed));
  BOOST_TEST((back.current.now == phase::compensated));
}

BOOST_AUTO_TEST_CASE(an_operation_that_stays_unknown_parks_after_ten_minutes_or_so) {
  driver saga;
  saga.start().ok().ok().ok();

  int tries = 0;
  while (saga.fail(errc::unknown_operation).current.now == phase::forward && tries < 1'000) {
    ++tries;
    saga.timer_fires();
  }

  BOOST_TEST(tries == 299);
  BOOST_TEST((saga.current.now == phase::parked));
  BOOST_TEST((saga.current.why_parked->code == errc::unknown_operation));
}

BOOST_AUTO_TEST_CASE(an_undo_is_retried_without_end_and_parks_when_refused) {
  driver saga;
  saga.start().ok().refuse();

  for (int i = 0; i < 50; ++i) {
    saga.fail(errc::internal, effect::unknown);
    saga.timer_fires();
  }
  BOOST_TEST(saga.operation() == "release");
  saga.refuse();

  BOOST_TEST((saga.current.now == phase::parked));
  BOOST_TEST(saga.the<park>().at.undo);
}

BOOST_AUTO_TEST_CASE(the_deadline_turns_back_before_the_pivot_and_undoes_what_is_in_flight) {
  driver saga;
  saga.start().ok();

  saga.give(deadline_reached{});

  BOOST_TEST(saga.operation() == "uncredit");
  saga.ok().ok();
  BOOST_TEST((saga.the<finish>().answer.error().code == errc::rejected));
  BOOST_TEST(saga.the<finish>().answer.error().detail("reason") == "deadline_exceeded");
  BOOST_TEST(saga.the<finish>().answer.error().detail("step") == "credit");
}

BOOST_AUTO_TEST_CASE(the_deadline_leaves_a_step_alone_that_is_known_not_to_have_happened) {
  driver saga;
  saga.start().ok().fail(errc::overloaded);

  saga.give(deadline_reached{});

  BOOST_TEST(saga.operation() == "release");
  saga.ok();
  BOOST_TEST(saga.the<finish>().answer.error().detail("last_failure") == "overloaded");
}

BOOST_AUTO_TEST_CASE(late_repeated_and_stale_events_change_nothing) {
  driver saga;
  saga.start();
  const asked first = saga.called().as;
  saga.fail(errc::unavailable);
  const std::uint32_t stale_token = saga.the<timer>().token;
  saga.timer_fires().ok();
  const asked second = saga.called().as;
  const state before = saga.current;

  const event stale[] = {
      started{.input = "other"},
      answered{first, "again"},
      failed{first, rejected("no", "")},
      answered{{.step = 1, .undo = true, .round = 0, .attempt = 1}, "undo"},
      answered{{.step = 1, .undo = false, .round = 1, .attempt = 1}, "round"},
      answered{{.step = 99, .undo = false, .round = 0, .attempt = 1}, "step"},
      failed{{.step = 1, .undo = false, .round = 0, .attempt = 7}, rejected("no", "")},
      timer_due{.step = 0, .token = stale_token},
      timer_due{},
      timer_due{.step = 99, .token = 1},
      retry_by_operator{}};
  for (const event& each : stale) {
    saga.give(each);
    BOOST_TEST(saga.actions.empty());
    BOOST_TEST((saga.current == before));
  }

  saga.give(answered{second, "b"});
  BOOST_TEST(saga.operation() == "charge");
}

BOOST_AUTO_TEST_CASE(a_late_answer_to_an_earlier_try_of_the_same_command_counts) {
  driver saga;
  saga.start();
  const asked first = saga.called().as;

  saga.fail(errc::deadline_exceeded, effect::unknown).give(answered{first, "late"});

  BOOST_TEST(saga.operation() == "credit");
  BOOST_TEST(saga.current.results[0] == "late");
}

BOOST_AUTO_TEST_CASE(a_finished_saga_ignores_everything_but_a_takeover) {
  driver saga;
  saga.start().ok().ok().ok().ok();
  const asked last{.step = 3, .undo = false, .round = 0, .attempt = 1};

  for (const event& each : std::vector<event>{
           answered{last, "x"},
           failed{last, rejected("no", "")},
           deadline_reached{},
           timer_due{.step = 0, .token = 1},
           retry_by_operator{}}) {
    saga.give(each);
    BOOST_TEST(saga.actions.empty());
  }
  saga.take_over();

  BOOST_TEST(saga.actions.size() == 1);
  BOOST_TEST(*saga.the<finish>().answer == "ok");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::saga::test
