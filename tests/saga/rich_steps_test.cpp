#include "runtime/saga/machine.hpp"
#include "runtime/saga/order.hpp"
#include "runtime/saga/step_table.hpp"
#include "tests/saga/driver.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::saga::test {

namespace {

/// flight, hotel and car together, an approval, a pause, then the pivot `pay`.
definition trip() {
  definition made{
      .operation = "place",
      .deadline = 60s,
      .steps = {
          make_step("flight", step_kind::compensatable, "unflight"),
          together(make_step("hotel", step_kind::compensatable, "unhotel")),
          together(make_step("car", step_kind::compensatable, "uncar")),
          waits<reserved>("approval", "approve", 30s, [](const reserved&) { return heard{}; }),
          lets_pass("cooling", 5s),
          make_step("pay", step_kind::pivot)}};
  return made;
}

step& named(definition& in, const std::string& name) {
  return *std::ranges::find(in.steps, name, &step::name);
}

/// Answers the call of that operation, whichever decision made it.
struct answers {
  driver& saga;
  std::vector<call> out{};

  answers& look() {
    const auto calls = saga.calls();
    out.insert(out.end(), calls.begin(), calls.end());
    return *this;
  }

  asked of(const std::string& operation) const {
    for (const call& each : out) {
      if (operation_of(saga.by, each) == operation) {
        return each.as;
      }
    }
    BOOST_FAIL("nobody called " << operation);
    return {};
  }

  answers& ok(const std::string& operation, std::string body = "ok") {
    saga.give(answered{of(operation), std::move(body)});
    return look();
  }

  answers& fail(const std::string& operation, errc code, effect possible = effect::none) {
    saga.give(failed{of(operation), {.code = code, .possible = possible, .message = "no"}});
    return look();
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_saga_rich_steps, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(parallel_steps_begin_together_and_the_next_waits_for_the_last) {
  driver saga{trip()};

  saga.start();
  BOOST_TEST(saga.called_at_once() == "flight hotel car");
  answers said = answers{saga}.look();
  said.ok("car").ok("flight");
  BOOST_TEST(saga.called_at_once().empty());
  said.ok("hotel");

  BOOST_TEST(saga.story() == "started intent:0 intent:1 intent:2 done:2 done:0 done:1 intent:3");
  BOOST_TEST(step_in_hand(saga.by, saga.current) == "await approval");
}

BOOST_AUTO_TEST_CASE(a_refusal_undoes_what_began_together_at_once_also_what_is_still_out) {
  driver saga{trip()};
  saga.start();
  answers said = answers{saga}.look();

  said.ok("flight").fail("hotel", errc::rejected);

  // The car's answer is not there: it is undone as if it had come.
  BOOST_TEST(saga.called_at_once() == "unflight uncar");
  said.ok("uncar").ok("car");
  BOOST_TEST((saga.current.now == phase::undoing));
  said.ok("unflight");
  BOOST_TEST((saga.current.now == phase::compensated));
  BOOST_TEST(
      saga.story()
      == "started intent:0 intent:1 intent:2 done:0 failed:1 undo_intent:2 undo_intent:0 undone:2 "
         "undone:0 compensated");
}

BOOST_AUTO_TEST_CASE(each_of_parallel_steps_has_its_own_tries_and_back_off) {
  driver saga{trip()};
  saga.start();
  answers said = answers{saga}.look();

  said.fail("flight", errc::unavailable);
  const timer flight = saga.the<timer>();
  said.fail("hotel", errc::overloaded);
  const timer hotel = saga.the<timer>();
  saga.fire(flight);
  BOOST_TEST(saga.called_at_once() == "flight");
  BOOST_TEST(saga.called().as.attempt == 2);
  saga.fire(hotel);

  BOOST_TEST(saga.called_at_once() == "hotel");
  BOOST_TEST(step_in_hand(saga.by, saga.current) == "do flight, do hotel, do car");
}

BOOST_AUTO_TEST_CASE(a_takeover_asks_all_that_is_out_under_its_ids) {
  driver saga{trip()};
  saga.start();
  const auto before = saga.calls();
  answers said = answers{saga}.look();
  said.ok("hotel");

  saga.take_over();

  BOOST_TEST(saga.called_at_once() == "flight car");
  BOOST_TEST((saga.calls()[0].id == before[0].id));
  BOOST_TEST((saga.calls()[1].id == before[2].id));
}

BOOST_AUTO_TEST_CASE(an_undo_of_one_that_parks_leaves_the_others_to_be_asked_again) {
  driver saga{trip()};
  saga.start();
  answers said = answers{saga}.look();
  said.ok("flight").ok("hotel").fail("car", errc::rejected);
  said.fail("unhotel", errc::rejected);
  BOOST_REQUIRE((saga.current.now == phase::parked));

  saga.give(retry_by_operator{});

  BOOST_TEST(saga.called_at_once() == "unflight unhotel");
  BOOST_TEST(saga.calls()[0].as.round == 0);
  BOOST_TEST(saga.calls()[1].as.round == 1);
  saga.take_over();
  BOOST_TEST(saga.called_at_once() == "unflight unhotel");
}

BOOST_AUTO_TEST_CASE(a_step_of_several_in_hand_is_skipped_by_its_name) {
  driver saga{trip()};
  saga.start();
  answers said = answers{saga}.look();
  said.ok("flight").ok("car");

  const order skip{.what = verb::skip, .who = "ann", .why = "booked by phone", .step = "hotel"};
  BOOST_REQUIRE(may_obey(saga.by, saga.current, skip).has_value());
  saga.give(ordered{skip});

  BOOST_TEST(step_in_hand(saga.by, saga.current) == "await approval");
  BOOST_TEST((*replay(saga.by, saga.current.saga, saga.prefix(saga.rows.size())) == saga.current));
}

BOOST_AUTO_TEST_CASE(a_person_answers_a_step_that_waits_and_the_answer_is_its_result) {
  driver saga{trip()};
  saga.start();
  answers said = answers{saga}.look();
  said.ok("flight").ok("hotel").ok("car");
  BOOST_TEST((saga.the<timer>().delay == 30s));
  const listen waits = saga.the<listen>();

  saga.give(answered{waits.as, "yes"});

  BOOST_TEST(saga.current.results[3] == "yes");
  BOOST_TEST((saga.the<timer>().delay == 5s));
}

BOOST_AUTO_TEST_CASE(a_no_or_no_answer_in_time_turns_the_saga_back) {
  for (const bool is_no : {true, false}) {
    driver saga{trip()};
    saga.start();
    answers said = answers{saga}.look();
    said.ok("flight").ok("hotel").ok("car");

    if (is_no) {
      saga.give(failed{saga.the<listen>().as, rejected("declined", "too dear")});
    } else {
      saga.timer_fires();
    }

    BOOST_TEST(saga.called_at_once() == "unflight unhotel uncar");
    said.look().ok("unhotel").ok("unflight").ok("uncar");
    BOOST_TEST((saga.current.now == phase::compensated));
    BOOST_TEST(
        saga.the<finish>().answer.error().detail("reason") == (is_no ? "declined" : "unanswered"));
  }
}

BOOST_AUTO_TEST_CASE(an_heir_waits_for_what_is_left_and_a_clock_that_is_behind_lengthens_no_wait) {
  driver saga{trip()};
  saga.start();
  answers said = answers{saga}.look();
  said.ok("flight").ok("hotel").ok("car");
  saga.give(answered{saga.the<listen>().as, "yes"});
  const timer first = saga.the<timer>();

  saga.take_over(2s);
  BOOST_TEST((saga.the<timer>().delay == 3s));
  saga.take_over(-3600s);
  BOOST_TEST((saga.the<timer>().delay == 5s));

  saga.fire(first); // Of the former owner, and due by now: nothing of the step has changed.
  BOOST_TEST(saga.called_at_once() == "pay");
}

BOOST_AUTO_TEST_CASE(an_heir_past_the_deadline_hears_what_was_said_before_it_gives_up) {
  driver saga{trip()};
  saga.start();
  answers said = answers{saga}.look();
  said.ok("flight").ok("hotel").ok("car");

  saga.take_over(61s);

  BOOST_TEST((saga.the<watch_deadline>().delay == 0s));
  BOOST_REQUIRE(saga.find<listen>() != nullptr);
  saga.give(deadline_reached{});
  BOOST_TEST(saga.called_at_once() == "unflight unhotel uncar");
}

BOOST_AUTO_TEST_CASE(a_timer_of_an_earlier_round_changes_nothing) {
  driver saga{trip()};
  saga.start();
  answers said = answers{saga}.look();
  said.ok("flight").ok("hotel").ok("car");
  const timer first = saga.the<timer>();
  saga.give(ordered{{.what = verb::pause, .who = "ann", .why = "some reason"}});
  saga.give(ordered{{.what = verb::resume, .who = "ann", .why = "some reason"}});
  BOOST_REQUIRE(saga.find<listen>() != nullptr);

  saga.fire(first);

  BOOST_TEST(!saga.wrote());
}

BOOST_AUTO_TEST_CASE(a_saga_that_waits_outlives_its_caller) {
  driver saga{trip()};

  saga.give(started{.input = "in", .within = 1s});

  BOOST_TEST((saga.the<watch_deadline>().delay == 60s));
}

BOOST_AUTO_TEST_CASE(a_step_whose_condition_is_false_is_passed_over_and_not_undone) {
  definition with = order_saga();
  with.steps[0].when = [](const facts&) -> outcome<bool> { return true; };
  with.steps[1].when = [](const facts& known) -> outcome<bool> {
    return known.results[0] == "big";
  };
  driver small{with};
  driver big{with};

  small.start().ok("small");
  big.start().ok("big");

  BOOST_TEST(small.story() == "started intent:0 done:0 passed:1 intent:2");
  BOOST_TEST(big.story() == "started intent:0 done:0 intent:1");
  small.refuse();
  BOOST_TEST(small.operation() == "release");
  const auto again = replay(small.by, small.current.saga, small.prefix(small.rows.size()));
  BOOST_TEST((again.has_value() && *again == small.current));
}

BOOST_AUTO_TEST_CASE(a_saga_all_of_whose_conditions_are_false_is_completed_at_once) {
  definition with = order_saga();
  for (step& each : with.steps) {
    each.when = [](const facts&) -> outcome<bool> { return false; };
  }
  with.answer = [](const facts&) -> outcome<std::string> { return "nothing to do"; };
  driver saga{with};

  saga.start();

  BOOST_TEST(saga.story() == "started passed:0 passed:1 passed:2 passed:3 completed");
  BOOST_TEST(*saga.the<finish>().answer == "nothing to do");
}

BOOST_AUTO_TEST_CASE(a_condition_that_fails_parks_and_is_asked_again_when_a_person_resumes) {
  bool is_mended = false;
  definition with = order_saga();
  with.steps[1].when = [&](const facts&) -> outcome<bool> {
    if (!is_mended) {
      throw std::runtime_error{"oops"};
    }
    return false;
  };
  driver saga{with};
  saga.start().ok();
  BOOST_REQUIRE((saga.current.now == phase::parked));
  BOOST_TEST(saga.called_at_once().empty());

  is_mended = true;
  saga.give(retry_by_operator{});

  BOOST_TEST(saga.story().ends_with("resumed passed:1 intent:2"));
  const auto again = replay(saga.by, saga.current.saga, saga.prefix(saga.rows.size()));
  BOOST_TEST((again.has_value() && *again == saga.current));
}

/// Two parallel steps behind the first, whose conditions fail until they are mended.
struct unclear_conditions {
  bool hotel_is_mended = false;
  bool car_is_mended = false;
  definition with = trip();

  unclear_conditions() {
    named(with, "hotel").when = condition(hotel_is_mended, true);
    named(with, "car").when = condition(car_is_mended, false);
  }

  static std::function<outcome<bool>(const facts&)> condition(const bool& is_mended, bool holds) {
    return [&is_mended, holds](const facts&) -> outcome<bool> {
      if (!is_mended) {
        throw std::runtime_error{"oops"};
      }
      return holds;
    };
  }
};

bool is_replayed(const driver& saga) {
  const auto again = replay(saga.by, saga.current.saga, saga.prefix(saga.rows.size()));
  return again.has_value() && *again == saga.current;
}

BOOST_AUTO_TEST_CASE(each_of_two_conditions_that_fail_together_is_asked_before_its_step_is_called) {
  unclear_conditions its;
  driver saga{its.with};
  saga.start();
  BOOST_REQUIRE((saga.current.now == phase::parked));
  BOOST_TEST(saga.story() == "started intent:0 intent:1 parked");
  BOOST_TEST(is_replayed(saga));

  its.hotel_is_mended = true;
  saga.give(retry_by_operator{});
  BOOST_REQUIRE((saga.current.now == phase::parked));
  BOOST_TEST(saga.called_at_once().empty());
  BOOST_TEST(is_replayed(saga));

  its.car_is_mended = true;
  saga.give(retry_by_operator{});
  BOOST_TEST(saga.called_at_once() == "flight hotel");
  BOOST_TEST(is_replayed(saga));
}

BOOST_AUTO_TEST_CASE(a_step_that_is_skipped_does_not_have_another_called_unasked) {
  for (const std::string step : {"flight", "hotel"}) {
    unclear_conditions its;
    driver saga{its.with};
    saga.start();
    its.hotel_is_mended = true;

    saga.give(ordered{{.what = verb::skip, .who = "ann", .why = "by phone", .step = step}});
    BOOST_TEST((saga.current.now == phase::parked));
    BOOST_TEST(saga.called_at_once().empty());
    BOOST_TEST(is_replayed(saga));

    its.car_is_mended = true;
    saga.give(retry_by_operator{});
    BOOST_TEST(saga.called_at_once() == (step == "flight" ? "hotel" : "flight"));
    BOOST_TEST(is_replayed(saga));
  }
}

BOOST_AUTO_TEST_CASE(a_saga_that_turns_back_at_a_condition_that_fails_can_be_replayed) {
  unclear_conditions its;
  driver saga{its.with};
  saga.start();

  saga.give(ordered{{.what = verb::compensate, .who = "ann", .why = "some reason"}});

  BOOST_TEST(is_replayed(saga));
  answers said = answers{saga}.look();
  said.ok("unflight");
  BOOST_TEST(is_replayed(saga));
}

BOOST_AUTO_TEST_CASE(a_queued_saga_that_is_paused_can_be_turned_back) {
  driver saga;
  saga.give(started{.input = "in", .must_wait = true});
  saga.give(ordered{{.what = verb::pause, .who = "ann", .why = "some reason"}});

  saga.give(ordered{{.what = verb::compensate, .who = "ann", .why = "some reason"}});

  BOOST_TEST((saga.current.now == phase::compensated));
  BOOST_TEST(is_replayed(saga));
}

BOOST_AUTO_TEST_CASE(a_queued_saga_begins_when_it_is_its_turn_or_ends_with_its_time) {
  driver patient;
  driver late;

  patient.give(started{.input = "in", .must_wait = true}).take_over();
  BOOST_TEST(patient.called_at_once().empty());
  BOOST_TEST(is_queued(patient.current));
  patient.give(admitted{});
  late.give(started{.input = "in", .must_wait = true}).give(deadline_reached{});

  BOOST_TEST(patient.story() == "started queued intent:0");
  BOOST_TEST(late.story() == "started queued failed:0 compensated");
  BOOST_TEST(late.the<finish>().answer.error().detail("reason") == "deadline_exceeded");
  for (const driver* each : {&patient, &late}) {
    const auto again = replay(each->by, each->current.saga, each->prefix(each->rows.size()));
    BOOST_TEST((again.has_value() && *again == each->current));
  }
}

BOOST_AUTO_TEST_CASE(a_completed_saga_that_is_recalled_undoes_all_its_steps) {
  definition child = order_saga();
  child.steps.resize(2);
  child.undo = "unplace";
  driver saga{child};
  saga.start().ok().ok();
  BOOST_REQUIRE((saga.current.now == phase::completed));

  saga.give(recalled{});
  BOOST_TEST(saga.called_at_once() == "uncredit");
  saga.take_over();
  BOOST_TEST(saga.called_at_once() == "uncredit");
  saga.ok().ok();

  BOOST_TEST(
      saga.story()
      == "started intent:0 done:0 intent:1 done:1 completed recalled undo_intent:1 undone:1 "
         "undo_intent:0 undone:0 compensated");
}

BOOST_AUTO_TEST_CASE(a_running_saga_that_is_recalled_turns_back_with_what_is_out) {
  definition child = order_saga();
  child.steps.resize(2);
  driver saga{child};
  saga.start().ok();

  saga.give(recalled{});

  BOOST_TEST(saga.called_at_once() == "uncredit");
  saga.give(recalled{});
  BOOST_TEST(!saga.wrote());
}

BOOST_AUTO_TEST_CASE(
    a_table_keeps_what_steps_do_and_one_of_an_earlier_release_has_its_fingerprint) {
  definition made = trip();
  named(made, "hotel").when = [](const facts&) -> outcome<bool> { return true; };
  const plan now = *plan::make(made);
  const step_table table = table_of(made);

  const auto read = read_table(wire::encoded(table), now.fingerprint());
  BOOST_REQUIRE(read.has_value());
  const plan same = plan::pinned(*read, now);
  BOOST_TEST((same.stage_of(1) == stage{0, 3}));
  BOOST_TEST((same.at(3).act == step_act::wait));
  BOOST_TEST(static_cast<bool>(same.at(3).hears.read));

  definition changed = made;
  named(changed, "hotel").when = nullptr;
  const plan other = *plan::make(changed);
  BOOST_TEST(other.fingerprint() != now.fingerprint());
  const plan pinned = plan::pinned(*read, other);
  BOOST_TEST(!pinned.at(1).when({}).has_value()); // Gone: parks, and does not guess.
  for (bool step::*const field : {&step::parallel}) {
    definition apart = made;
    named(apart, "car").*field = false;
    BOOST_TEST(plan::make(apart)->fingerprint() != now.fingerprint());
  }
  // As releases wrote it that knew calls alone.
  BOOST_TEST(plan::make(order_saga())->fingerprint() == fingerprint_of(table_of(order_saga())));
}

BOOST_AUTO_TEST_CASE(what_is_wrong_with_steps_of_the_new_kinds_is_said) {
  const auto faults = [](auto change) {
    definition made = trip();
    change(made);
    std::string all;
    for (const fault& each : validate(made)) {
      all += each.what + "; ";
    }
    return all;
  };

  BOOST_TEST(faults([](definition&) {}) == "");
  BOOST_TEST(
      faults([](definition& of) { of.steps[0].parallel = true; })
      == "step `flight` is parallel and the first step; ");
  BOOST_TEST(
      faults([](definition& of) { of.steps[5].parallel = true; })
      == "step `pay` is parallel to a step of another kind, or is the pivot; ");
  BOOST_TEST(
      faults([](definition& of) { of.steps[3].undo = "disapprove"; })
      == "step `approval` waits, and has what only a call has; ");
  BOOST_TEST(
      faults([](definition& of) { of.steps[3].operation = ""; })
      == "step `approval` waits for nothing; ");
  BOOST_TEST(
      faults([](definition& of) { of.steps[4].topic = "time.passed"; })
      == "step `cooling` lets time pass, and names what answers it; ");
  BOOST_TEST(
      faults([](definition& of) { of.undo = "cancel"; })
      == "`place` names `cancel` as its undo, and has a step that cannot be undone; ");
  BOOST_TEST(faults([](definition& of) { of.at_once = -1; }) == "the saga has -1 as at_once; ");
  BOOST_TEST(
      faults([](definition& of) {
        of.steps.back().when = [](const facts&) -> outcome<bool> { return true; };
      })
      == "the last step, step `pay`, may have no result, and the saga has no answer; ");
  // flight, hotel and car take no longer together than the longest.
  BOOST_TEST(faults([](definition& of) { of.deadline = 36s; }) == "");
  BOOST_TEST(faults([](definition& of) { of.deadline = 35s; }) != "");
}

// Nothing of it was ever asked: there is nothing to undo, and no answer of a pivot to wait for.
BOOST_AUTO_TEST_CASE(a_queued_saga_whose_time_was_up_at_a_takeover_never_begins) {
  definition paid = order_saga();
  paid.steps = {make_step("charge", step_kind::pivot), make_step("confirm", step_kind::retriable)};
  for (const definition& each : {order_saga(), paid}) {
    driver saga{each};
    saga.give(started{.input = "in", .must_wait = true});

    saga.take_over(6s);

    BOOST_TEST((saga.current.now == phase::compensated));
    saga.give(admitted{});
    BOOST_TEST(saga.called_at_once() == "");
    BOOST_TEST(saga.story() == "started queued failed:0 compensated");
  }
}

// Two approvals that may take two seconds each; the saga is held for longer.
BOOST_AUTO_TEST_CASE(whoever_holds_a_saga_takes_no_time_from_any_of_its_waits) {
  definition both = order_saga();
  both.steps = {
      waits<reserved>("first", "approve", 2s, [](const auto&) { return heard{}; }),
      together(waits<reserved>("second", "confirm", 2s, [](const auto&) { return heard{}; })),
      make_step("charge", step_kind::pivot)};
  driver saga{both};
  saga.start();
  saga.give(ordered{{.what = verb::pause, .who = "ann", .why = "wait"}});
  saga.now += 10s;

  saga.give(ordered{{.what = verb::resume, .who = "ann", .why = "go on"}});

  std::vector<milliseconds> delays;
  for (const action& each : saga.actions) {
    if (const auto* const wait = std::get_if<timer>(&each)) {
      delays.push_back(wait->delay);
    }
  }
  const std::vector<milliseconds> whole{2s, 2s};
  BOOST_TEST((delays == whole));
  BOOST_TEST(
      saga.story() == "started intent:0 intent:1 ordered parked ordered resumed intent:0 intent:1");
  saga.now += 1s;
  saga.take_over();
  BOOST_TEST((saga.current.now == phase::forward));
  BOOST_TEST(step_in_hand(saga.by, saga.current) == "await first, await second");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::saga::test
