#include "tests/saga/driver.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::saga::test {

BOOST_AUTO_TEST_SUITE(runtime_saga_resume_and_bodies, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(a_person_resumes_a_refused_command_under_a_new_id) {
  driver saga;
  saga.start().ok().ok().ok();
  const uuid old_id = saga.called().id;
  const asked old = saga.called().as;
  saga.refuse();

  saga.give(retry_by_operator{});

  BOOST_TEST(saga.called().as.round == 1);
  BOOST_TEST((saga.called().id != old_id));
  saga.give(answered{old, "stale"});
  BOOST_TEST(saga.actions.empty());
  saga.ok();
  BOOST_TEST((saga.current.now == phase::completed));
}

BOOST_AUTO_TEST_CASE(a_person_resumes_a_refused_undo_and_the_answer_stays_the_first_error) {
  driver saga;
  saga.start().ok().ok().refuse().ok().refuse();
  BOOST_REQUIRE((saga.current.now == phase::parked));

  saga.give(retry_by_operator{});

  BOOST_TEST(saga.operation() == "release");
  BOOST_TEST(saga.called().as.round == 1);
  BOOST_TEST((saga.called().undoes == saga.by.command_id(saga.current.saga, 0, false, 0)));
  saga.ok();
  BOOST_TEST((saga.current.now == phase::compensated));
  BOOST_TEST((saga.the<finish>().answer.error().code == errc::rejected));
}

// A new id for a charge that may have happened would charge twice.
BOOST_AUTO_TEST_CASE(an_unknown_command_keeps_its_id_unless_the_person_vouches) {
  driver careful;
  driver vouched;
  for (driver* each : {&careful, &vouched}) {
    each->start().ok().ok().fail(errc::crashed, effect::unknown).give(deadline_reached{});
  }
  const uuid id = careful.by.command_id(careful.current.saga, 2, false, 0);

  careful.give(retry_by_operator{});
  vouched.give(retry_by_operator{.anew = true});

  BOOST_TEST((careful.called().id == id));
  BOOST_TEST((vouched.called().id != id));
  careful.ok();
  BOOST_TEST(careful.operation() == "confirm");
  BOOST_TEST(careful.called().as.round == 1);
}

BOOST_AUTO_TEST_CASE(a_resumed_pivot_that_stays_unknown_is_parked_again_after_its_retries) {
  driver saga;
  saga.start().ok().ok().fail(errc::crashed, effect::unknown).give(deadline_reached{});
  saga.give(retry_by_operator{});

  saga.fail(errc::unavailable).timer_fires().fail(errc::unavailable).timer_fires();
  saga.fail(errc::unavailable);

  BOOST_TEST((saga.current.now == phase::parked));
  BOOST_TEST((saga.the<park>().reason.possible == effect::unknown));
}

BOOST_AUTO_TEST_CASE(an_undo_without_its_own_request_gets_the_body_of_the_step) {
  definition own = order_saga();
  own.steps[1].undo_request = body_for("own");
  own.steps[1].key = [](const facts& known) { return std::string{known.input}; };
  driver saga{own};
  saga.start().ok().ok().refuse();

  BOOST_TEST(*body_of(saga.by, saga.current, saga.called()) == "own in");
  BOOST_TEST(*key_of(saga.by, saga.current, saga.called()) == "in");
  saga.ok();
  BOOST_TEST(*body_of(saga.by, saga.current, saga.called()) == "reserve in");
  BOOST_TEST(key_of(saga.by, saga.current, saga.called())->empty());
}

BOOST_AUTO_TEST_CASE(a_request_that_fails_or_throws_is_a_refusal) {
  definition broken = order_saga();
  broken.steps[0].request = [](const facts&) -> outcome<std::string> {
    return failure{internal_error("never works")};
  };
  broken.steps[1].request = [](const facts&) -> outcome<std::string> { throw 7; };
  driver saga{broken};
  saga.start();

  const auto body = body_of(saga.by, saga.current, saga.called());
  BOOST_TEST((body.error().code == errc::invalid));
  saga.ok();
  const auto thrown = body_of(saga.by, saga.current, saga.called());
  BOOST_REQUIRE((thrown.error().code == errc::invalid));
  saga.give(failed{saga.called().as, thrown.error()});

  BOOST_TEST(saga.operation() == "release");
}

BOOST_AUTO_TEST_CASE(a_saga_without_pivot_turns_forward_only_at_its_first_retriable_step) {
  definition no_pivot = order_saga();
  no_pivot.steps.erase(no_pivot.steps.begin() + 2);
  driver before{no_pivot};
  driver after{no_pivot};

  before.start().ok().give(deadline_reached{});
  after.start().ok().ok().give(deadline_reached{});

  BOOST_TEST((before.current.now == phase::undoing));
  BOOST_TEST((after.current.now == phase::forward));
}

namespace {

/// reserve, then an approval for which 14 days are given, of 20 for all.
definition patient() {
  definition made{
      .operation = "place",
      .deadline = std::chrono::hours{24 * 20},
      .steps = {
          make_step("reserve", step_kind::compensatable, "release"),
          waits<reserved>("approval", "approve", std::chrono::hours{24 * 14}, [](const auto&) {
            return heard{};
          })}};
  return made;
}

constexpr std::chrono::hours day{24};

} // namespace

BOOST_AUTO_TEST_CASE(a_wait_that_is_taken_up_while_the_wall_clock_is_wrong_goes_on) {
  driver saga{patient()};
  saga.start().ok();
  const wall_time begun = saga.now;

  saga.settled = begun + 1h;
  saga.take_over(30 * day);
  const watch_deadline whole = saga.the<watch_deadline>();
  const timer wait = saga.the<timer>();
  BOOST_TEST((wait.delay == 1min));
  BOOST_TEST((whole.delay == 1min));

  saga.now = begun + 1h + 1min;
  saga.settled.reset();
  saga.give(deadline_reached{});
  BOOST_TEST((saga.the<watch_deadline>().delay == 20 * day - 61min));
  saga.fire(wait);
  BOOST_TEST((saga.the<timer>().delay == 14 * day - 61min));
  BOOST_TEST((saga.current.now == phase::forward));

  saga.now = begun + 14 * day;
  saga.timer_fires();
  BOOST_TEST(saga.operation() == "release");
}

// As after a stop that was longer than the wait.
BOOST_AUTO_TEST_CASE(a_wait_that_the_wall_clock_calls_over_twice_is_over) {
  driver saga{patient()};
  saga.start().ok();
  saga.settled = saga.now + 1h;

  saga.take_over(15 * day).timer_fires();

  BOOST_TEST(saga.operation() == "release");
}

BOOST_AUTO_TEST_CASE(a_deadline_that_the_wall_clock_alone_calls_over_is_looked_at_again) {
  driver right;
  driver ahead;
  for (driver* each : {&right, &ahead}) {
    each->start().ok();
    each->settled = each->now + 1s;
    each->take_over(6s);
    BOOST_TEST(each->operation() == "credit");
    BOOST_TEST((each->the<watch_deadline>().delay == 5s));
  }

  right.now -= 4s;
  right.give(deadline_reached{}); // It had all of its time in this process.
  ahead.give(deadline_reached{});

  BOOST_TEST(right.operation() == "uncredit");
  BOOST_TEST(ahead.operation() == "uncredit");
}

// Its heir's clock is right.
BOOST_AUTO_TEST_CASE(what_begins_under_a_clock_that_is_behind_is_not_over_early) {
  driver saga{patient()};
  const wall_time right = saga.now;
  saga.now = right - 100 * day;
  saga.settled = right;
  saga.start().ok();

  saga.now = right + 1 * day;
  saga.settled = saga.now;
  saga.take_over();

  BOOST_TEST((saga.the<timer>().delay == 13 * day));
  BOOST_TEST((saga.the<watch_deadline>().delay == 19 * day));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::saga::test
