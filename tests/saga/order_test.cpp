#include "runtime/saga/order.hpp"

#include "tests/saga/driver.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::saga::test {

namespace {

order some(verb what, std::string step = {}, bool vouched = false) {
  return {what, "ann@desk", "as agreed", std::move(step), vouched};
}

/// Gives an order that must fit, and a replay of what it wrote.
driver& obey(driver& saga, const order& wanted) {
  const auto may = may_obey(saga.by, saga.current, wanted);
  BOOST_TEST_REQUIRE(may.has_value(), (may ? "" : may.error().message));
  saga.give(ordered{wanted});
  BOOST_TEST_REQUIRE(saga.wrote());
  const auto again = replay(saga.by, saga.current.saga, saga.prefix(saga.rows.size()));
  BOOST_TEST_REQUIRE(again.has_value(), (again ? "" : again.error().message));
  BOOST_TEST((*again == saga.current));
  return saga;
}

/// The reason for which an order is refused; nothing is written then.
std::string refused(driver& saga, const order& wanted) {
  const auto may = may_obey(saga.by, saga.current, wanted);
  BOOST_TEST_REQUIRE(!may.has_value());
  const std::size_t rows = saga.rows.size();
  saga.give(ordered{wanted});
  BOOST_TEST(saga.rows.size() == rows);
  return std::string{may.error().detail("reason")};
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_saga_order, *utf::label("unit") * utf::timeout(20))

BOOST_AUTO_TEST_CASE(a_paused_saga_stands_still_and_asks_the_same_command_again) {
  driver saga;
  saga.start().ok();
  const uuid command = saga.called().id;

  obey(saga, some(verb::pause));

  BOOST_TEST(is_paused(saga.current));
  BOOST_TEST(saga.the<park>().reason.message == "by ann@desk: as agreed");
  saga.ok(); // The answer of the try that was out is not waited for.
  BOOST_TEST(!saga.wrote());
  obey(saga, some(verb::resume));
  BOOST_TEST((saga.called().id == command));
  saga.ok().ok().ok();
  BOOST_TEST(saga.story().ends_with("completed"));
}

BOOST_AUTO_TEST_CASE(a_record_says_who_ordered_what_and_why) {
  driver saga;
  saga.start();

  obey(saga, some(verb::park));

  const kept_record& written = saga.rows.end()[-2];
  BOOST_TEST((written.row.kind == record_kind::ordered));
  const auto said = wire::checked_decode<order>(written.data);
  BOOST_REQUIRE(said);
  BOOST_TEST(said->who == "ann@desk");
  BOOST_TEST(said->why == "as agreed");
  BOOST_TEST((said->what == verb::park));
}

BOOST_AUTO_TEST_CASE(a_retry_asks_at_once_and_the_timer_that_runs_is_void) {
  driver saga;
  saga.start().fail(errc::unavailable);
  const timer waits = saga.the<timer>();

  obey(saga, some(verb::retry));

  BOOST_TEST(saga.called().as.attempt == 2U);
  saga.fire(waits);
  BOOST_TEST(saga.find<call>() == nullptr);
  BOOST_TEST(refused(saga, some(verb::retry)) == "in_flight");
}

BOOST_AUTO_TEST_CASE(a_skipped_undo_counts_as_undone_and_the_others_go_on) {
  driver saga;
  saga.start().ok().ok().refuse(); // The undo of credit is out.
  saga.refuse();
  BOOST_REQUIRE((saga.current.now == phase::parked));
  BOOST_TEST(
      (standing_effects(saga.by, saga.current) == std::vector<std::string>{"reserve", "credit"}));

  obey(saga, some(verb::skip, "credit"));

  BOOST_TEST(saga.operation() == "release");
  saga.ok();
  BOOST_TEST(saga.story().ends_with("resumed skipped undo_intent:0 undone:0 compensated"));
}

BOOST_AUTO_TEST_CASE(a_skipped_step_counts_as_done_and_is_undone_with_the_others) {
  driver saga;
  saga.start().fail(errc::unavailable);

  obey(saga, some(verb::skip, "reserve"));
  BOOST_TEST(saga.operation() == "credit");
  saga.refuse();

  BOOST_TEST(saga.operation() == "release");
}

BOOST_AUTO_TEST_CASE(a_skip_of_another_step_or_past_the_pivot_is_refused) {
  driver saga;
  saga.start();
  BOOST_TEST(refused(saga, some(verb::skip, "credit")) == "other_step");
  BOOST_TEST(refused(saga, some(verb::skip, "no such")) == "other_step");
  saga.ok().ok();
  BOOST_TEST(refused(saga, some(verb::skip, "charge")) == "past_pivot");
  saga.ok();
  BOOST_TEST(refused(saga, some(verb::skip, "confirm")) == "past_pivot");

  obey(saga, some(verb::skip, "confirm", true));

  BOOST_TEST(saga.story().ends_with("completed"));
  BOOST_TEST(!saga.the<finish>().answer); // Its answer is the reply that was skipped.
}

BOOST_AUTO_TEST_CASE(an_order_to_turn_back_undoes_the_step_that_may_have_happened_and_all_before) {
  driver saga;
  saga.start().ok();

  obey(saga, some(verb::compensate));
  BOOST_TEST(saga.operation() == "uncredit");
  BOOST_TEST(refused(saga, some(verb::compensate)) == "undoing");
  saga.ok();
  BOOST_TEST(saga.operation() == "release");
  saga.ok();

  BOOST_TEST(saga.story().ends_with("compensated"));
  const auto& answer = saga.the<finish>().answer;
  BOOST_REQUIRE(!answer);
  BOOST_TEST(answer.error().detail("reason") == "compensate");
  BOOST_TEST(answer.error().detail("fault") == "ordered");
  BOOST_TEST(answer.error().message == "by ann@desk: as agreed");
}

BOOST_AUTO_TEST_CASE(a_parked_saga_can_be_turned_back) {
  driver saga;
  saga.start().ok().give(given_up{internal_error("nothing can be written")});
  driver vouched;
  vouched.start().ok().give(given_up{internal_error("nothing can be written")});

  obey(saga, some(verb::compensate));
  obey(vouched, some(verb::compensate, "", true));

  BOOST_TEST(saga.operation() == "uncredit"); // It may have happened.
  BOOST_TEST(vouched.operation() == "release");
}

BOOST_AUTO_TEST_CASE(past_the_pivot_nothing_turns_back) {
  driver saga;
  saga.start().ok().ok();
  BOOST_TEST(refused(saga, some(verb::compensate)) == "pivot_unknown");
  saga.ok();
  BOOST_TEST(refused(saga, some(verb::compensate)) == "past_pivot");
}

BOOST_AUTO_TEST_CASE(orders_to_a_saga_that_is_over_or_stands_still_already_are_refused) {
  driver saga;
  saga.start().ok().ok().ok();
  BOOST_TEST(refused(saga, some(verb::resume)) == "not_waiting");
  obey(saga, some(verb::pause));
  BOOST_TEST(refused(saga, some(verb::park)) == "standing"); // Two people at once.
  obey(saga, some(verb::resume)).ok();
  for (const verb each : {verb::resume, verb::retry, verb::pause, verb::park, verb::compensate}) {
    BOOST_TEST(refused(saga, some(each)) == "over");
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::saga::test
