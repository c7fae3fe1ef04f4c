#include "nodes/commands/why/life.hpp"

#include "runtime/wire/error_map.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::why {

namespace {

const uuid asked{.bytes = {std::byte{1}}};
const uuid other{.bytes = {std::byte{2}}};

bool says(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_SUITE(nodes_commands_why, *utf::label("unit") * utf::timeout(10))

BOOST_AUTO_TEST_CASE(what_no_store_has_is_not_known) {
  BOOST_TEST((judge({}, asked).is == verdict::not_known));
}

// A row of an effect is there until its result is settled.
BOOST_AUTO_TEST_CASE(an_effect_without_a_row_may_be_over) {
  life of;
  of.effects.push_back({.key = asked, .call = other, .name = "charge"});
  BOOST_TEST((judge(of, asked).is == verdict::under_way));

  of.effects.clear();
  of.messages.push_back({.id = other, .state = 2});
  BOOST_TEST((judge(of, asked).is == verdict::not_known));
  BOOST_TEST(says(judge(of, asked).why, "the key of an effect or mail that is over"));
}

BOOST_AUTO_TEST_CASE(what_leaves_no_row_is_named) {
  std::string all;
  for (const std::string& each : things_without_rows()) {
    all += each + "\n";
  }
  for (const std::string_view what :
       {"queries", "effects that are over", "repeats of a call or event", "a breaker refused"}) {
    BOOST_TEST(says(all, what), what);
  }
}

BOOST_AUTO_TEST_CASE(an_answer_ends_a_call) {
  life of;
  of.messages.push_back({.id = asked, .capability = "orders", .operation = "place", .state = 2});
  BOOST_TEST((judge(of, asked).is == verdict::done));

  of.messages[0].state = 3;
  wire::append_error(of.messages[0].reply.bytes, rejected("no_stock", "there is none"));
  BOOST_TEST((judge(of, asked).is == verdict::done));
  BOOST_TEST(says(judge(of, asked).why, "there is none"));
}

BOOST_AUTO_TEST_CASE(a_pending_call_waits_for_its_effect_its_saga_or_a_person) {
  life of;
  of.messages.push_back({.id = asked, .state = 1});
  BOOST_TEST((judge(of, asked).is == verdict::under_way));
  of.effects.push_back({.key = other, .call = asked, .name = "charge"});
  BOOST_TEST(says(judge(of, asked).why, "charge"));
  of.sagas.push_back({.id = asked, .phase = "parked"});
  of.sagas[0].records.push_back({.kind = "parked", .step = "charge", .reason = "crashed: gone"});
  BOOST_TEST((judge(of, asked).is == verdict::waits_for_person));
  BOOST_TEST(says(judge(of, asked).why, "crashed: gone"));
}

BOOST_AUTO_TEST_CASE(an_event_is_done_when_all_have_handled_it) {
  life of;
  of.events.push_back({.id = asked, .topic = "t", .position = 0});
  BOOST_TEST((judge(of, asked).is == verdict::under_way));
  of.events[0].position = 7;
  of.events[0].deliveries = {{.capability = "a", .is_handled = true}, {.capability = "b"}};
  BOOST_TEST((judge(of, asked).is == verdict::under_way));
  of.events[0].deliveries[1].is_handled = true;
  BOOST_TEST((judge(of, asked).is == verdict::done));
  of.letters.push_back({.id = other, .event = asked, .capability = "b", .cause = "crashed"});
  BOOST_TEST((judge(of, asked).is == verdict::waits_for_person));
  BOOST_TEST((judge(of, other).is == verdict::waits_for_person));
}

// The dead letter of an event was delivered again: the event is in the journal twice.
BOOST_AUTO_TEST_CASE(an_event_that_is_delivered_again_is_not_done_before_that_is) {
  life of;
  of.events.push_back({.id = asked, .topic = "t", .position = 7});
  of.events[0].deliveries = {{.capability = "a", .is_handled = true}};
  of.events.push_back({.id = asked, .topic = "t", .position = 9});
  of.events[1].deliveries = {{.capability = "a", .attempts = 2, .reason = "no"}};
  of.retries = {{9, "a"}};

  BOOST_TEST((judge(of, asked).is == verdict::under_way));
  BOOST_TEST(says(judge(of, asked).why, "failed 2 times for a"));
  BOOST_TEST(says(page_of(of, asked), "delivered to a again at position 9"));

  of.events[1].deliveries[0] = {.capability = "a", .is_handled = true};
  BOOST_TEST((judge(of, asked).is == verdict::done));
}

BOOST_AUTO_TEST_CASE(whether_a_silent_subscriber_has_handled_an_event_is_not_known) {
  life of;
  of.events.push_back({.id = asked, .topic = "t", .position = 7});
  of.events[0].deliveries = {{.capability = "a", .is_handled = true}};
  of.unheard = {{7, "b"}};

  BOOST_TEST((judge(of, asked).is == verdict::not_known));
  BOOST_TEST(says(judge(of, asked).why, "whether b has handled it"));
  BOOST_TEST(says(page_of(of, asked), "not known of b"));

  of.events[0].deliveries[0].is_handled = false;
  BOOST_TEST((judge(of, asked).is == verdict::under_way));
}

BOOST_AUTO_TEST_CASE(an_event_that_a_person_cancelled_is_over) {
  life of;
  of.cancelled = {{asked, std::nullopt, "event t was cancelled by ann: a mistake"}};

  BOOST_TEST((judge(of, asked).is == verdict::done));
  BOOST_TEST(says(page_of(of, asked), "was cancelled by ann: a mistake"));
}

// A saga is undone long after its end when the one is undone of which it was a step; its call was
// answered, or even forgotten.
BOOST_AUTO_TEST_CASE(a_saga_that_stands_still_after_its_answer_waits_for_a_person) {
  life of;
  of.messages.push_back({.id = asked, .capability = "orders", .operation = "place", .state = 2});
  of.sagas.push_back({.id = asked, .phase = "parked"});
  of.sagas[0].records.push_back({.kind = "parked", .step = "charge", .reason = "crashed: gone"});
  BOOST_TEST((judge(of, asked).is == verdict::waits_for_person));

  of.sagas[0].phase = "undoing";
  BOOST_TEST((judge(of, asked).is == verdict::under_way));

  of.messages.clear();
  of.sagas[0].phase = "compensated";
  BOOST_TEST((judge(of, asked).is == verdict::done));
  BOOST_TEST(says(judge(of, asked).why, "compensated"));
}

BOOST_AUTO_TEST_CASE(names_say_nothing_to_a_terminal) {
  life of;
  of.events.push_back({.id = asked, .topic = "t\x1b[2J", .source = "a\nb\xe2\x80\xae"});

  const std::string page = page_of(of, asked);

  BOOST_TEST(!says(page, "\x1b"));
  BOOST_TEST(!says(page, "\xe2\x80\xae"));
  BOOST_TEST(says(page, "event t?[2J from a"));
}

BOOST_AUTO_TEST_CASE(a_page_has_one_verdict_and_says_what_is_not_known) {
  life of;
  of.messages.push_back({.id = asked, .capability = "orders", .operation = "place", .state = 2});
  of.not_known = {"payments: no such file"};
  const std::string page = page_of(of, asked);

  BOOST_TEST(says(page, to_string(asked) + "\ndone: answered"));
  BOOST_TEST(says(page, "not known:\n  payments: no such file"));
  BOOST_TEST(says(json_of(of, asked), R"("verdict":"done")"));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::why
