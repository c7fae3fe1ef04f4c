#include "runtime/broker/journal/reader.hpp"

#include "tests/broker/journal/journal_fixture.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::broker {

BOOST_AUTO_TEST_SUITE(runtime_broker_journal_reader, *utf::label("integration") * utf::timeout(120))

BOOST_FIXTURE_TEST_CASE(patterns_choose_topics_and_others_are_passed_over, journal_fixture) {
  open();
  for (int i = 0; i < 20; ++i) {
    must_write({.events = {make("order.created"), make("payment.done"), make("order.paid")}});
  }

  const auto orders = ask(ask_events{.patterns = {"order.*"}});
  BOOST_TEST(orders.events.size() == 40U);
  BOOST_TEST(orders.events[1]->position == 3U);
  BOOST_TEST(orders.scanned == 60U);
  BOOST_TEST(orders.last == 60U);
  BOOST_TEST(ask(ask_events{.patterns = {"payment.done", "order.paid"}}).events.size() == 40U);
  const auto none = ask(ask_events{.patterns = {"stock.*"}});
  BOOST_TEST(none.events.empty());
  BOOST_TEST(none.scanned == 60U);
}

BOOST_FIXTURE_TEST_CASE(a_page_ends_by_count_or_bytes_and_goes_on_where_it_ended, journal_fixture) {
  open();
  fill("a", 30, std::string(1'000, 'x'));

  auto page = ask(ask_events{.after = 5, .count_max = 7, .patterns = {"*"}});
  BOOST_TEST(page.events.size() == 7U);
  BOOST_TEST(page.events.front()->position == 6U);
  BOOST_TEST(page.scanned == 12U);
  page = ask(ask_events{.after = page.scanned, .bytes_max = 3'000, .patterns = {"*"}});
  BOOST_TEST(page.events.size() == 2U);
  BOOST_TEST(page.scanned == 14U);
  // The one that would be too much begins the next page; an event alone may be larger.
  page = ask(ask_events{.after = 15, .bytes_max = 1, .patterns = {"*"}});
  BOOST_TEST(page.events.size() == 1U);
  page = ask(ask_events{.after = 30, .patterns = {"*"}});
  BOOST_TEST(page.events.empty());
  BOOST_TEST(page.scanned == 30U);
}

// A question for a rare topic must not hold up the next ones while a million events are looked at.
BOOST_FIXTURE_TEST_CASE(one_question_looks_at_a_bounded_stretch, journal_fixture) {
  options.scan_max = 50;
  open();
  must_write({.events = {make("rare")}});
  fill("a", 200);
  must_write({.events = {make("rare")}});

  auto page = ask(ask_events{.after = 1, .patterns = {"rare"}});
  BOOST_TEST(page.events.empty());
  BOOST_TEST(page.scanned == 51U);
  BOOST_TEST(page.last == 202U);
  BOOST_TEST(
      positions("rare") == (std::vector<std::uint64_t>{1, 202}), boost::test_tools::per_element());

  // Deleted positions count for nothing.
  BOOST_TEST(sweep({.rules = {{"a", milliseconds{1}}}, .now = now + 1'000}) == 200U);
  page = ask(ask_events{.after = 1, .patterns = {"rare"}});
  BOOST_TEST(page.events.size() == 1U);
  BOOST_TEST(page.scanned == 202U);
}

BOOST_FIXTURE_TEST_CASE(an_open_reader_sees_what_is_written_later, journal_fixture) {
  open();
  auto reader = journal_reader::open(options);
  BOOST_REQUIRE(reader.has_value());
  BOOST_TEST((**reader)(ask_events{.patterns = {"new.*"}}).events.empty());

  must_write({.events = {make("new.topic")}});

  const auto page = (**reader)(ask_events{.patterns = {"new.*"}});
  BOOST_REQUIRE(page.events.size() == 1U);
  BOOST_TEST(page.events[0]->topic == "new.topic");
  must_write({.events = {make("newer")}});
  BOOST_TEST((**reader)(ask_positions{{2}}).events.at(0)->topic == "newer");
}

BOOST_FIXTURE_TEST_CASE(positions_are_found_or_said_to_be_missing, journal_fixture) {
  open();
  fill("a", 10);
  BOOST_TEST(sweep({.rules = {{"a", milliseconds{1}}}, .needs = {{"a", 4}}, .now = now + 9}) == 4U);

  const auto answer = ask(ask_positions{{3, 5, 11, 10}});

  BOOST_REQUIRE(answer.events.size() == 2U);
  BOOST_TEST(answer.events[0]->position == 5U);
  BOOST_TEST(answer.events[1]->position == 10U);
  BOOST_TEST(
      answer.missing == (std::vector<std::uint64_t>{3, 11}), boost::test_tools::per_element());
  BOOST_TEST(answer.rest.empty());

  const auto page = ask(ask_positions{{3, 5, 11, 10}, 1});

  BOOST_REQUIRE(page.events.size() == 1U);
  BOOST_TEST(page.events[0]->position == 5U);
  BOOST_TEST(page.missing == std::vector<std::uint64_t>{3}, boost::test_tools::per_element());
  BOOST_TEST(page.rest == (std::vector<std::uint64_t>{11, 10}), boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(a_time_is_turned_into_the_position_before_it, journal_fixture) {
  open();
  BOOST_TEST(ask(ask_time{5}).after == 0U);
  now = 1'000;
  fill("a", 100); // At 1,001 to 1,100.

  BOOST_TEST(ask(ask_time{0}).after == 0U);
  BOOST_TEST(ask(ask_time{1'001}).after == 0U);
  BOOST_TEST(ask(ask_time{1'002}).after == 1U);
  BOOST_TEST(ask(ask_time{1'050}).after == 49U);
  BOOST_TEST(ask(ask_time{1'100}).after == 99U);
  BOOST_TEST(ask(ask_time{1'101}).after == 100U);
  BOOST_TEST(
      sweep({.rules = {{"a", milliseconds{1}}}, .needs = {{"a", 60}}, .now = now + 9}) == 60U);
  BOOST_TEST(ask(ask_time{1'002}).after <= 60U);
  BOOST_TEST(ask(ask_time{1'081}).after == 80U);
}

BOOST_FIXTURE_TEST_CASE(lag_counts_the_events_of_a_group_above_its_cursor, journal_fixture) {
  open();
  for (int i = 0; i < 50; ++i) {
    now += 10;
    must_write({.events = {make("mine"), make("other")}});
  }

  auto lag = ask(ask_lag{.after = 40, .patterns = {"mine"}});
  BOOST_TEST(lag.events == 30U);
  BOOST_TEST(lag.is_all);
  BOOST_TEST(lag.oldest_time == now - 29 * 10);
  lag = ask(ask_lag{.after = 40, .patterns = {"mine"}, .scan_max = 10});
  BOOST_TEST(lag.events == 5U);
  BOOST_TEST(!lag.is_all);
  lag = ask(ask_lag{.after = 100, .patterns = {"*"}});
  BOOST_TEST(lag.events == 0U);
  BOOST_TEST(lag.oldest_time == 0);
  BOOST_TEST(ask(ask_lag{.after = 0, .patterns = {"none"}}).events == 0U);
}

BOOST_FIXTURE_TEST_CASE(dead_letters_are_listed_by_page, journal_fixture) {
  open();
  std::vector<uuid> made;
  for (int i = 0; i < 10; ++i) {
    const auto what = make("a", std::string(100, 'x'));
    made.push_back(ids.next(wall_time{milliseconds{now += 10}}));
    must_write(
        {.events = {what},
         .dead_letters = {
             {.id = made.back(), .capability = i % 2 == 0 ? "mail" : "ledger", .what = what}}});
  }

  auto page = ask(ask_dead_letters{.count_max = 4});
  BOOST_TEST(page.dead_letters.size() == 4U);
  BOOST_TEST(page.has_more);
  BOOST_TEST((page.dead_letters[0].id == made[0]));
  page = ask(ask_dead_letters{.after = made[3], .count_max = 6});
  BOOST_TEST(page.dead_letters.size() == 6U);
  BOOST_TEST(!page.has_more);
  BOOST_TEST((page.dead_letters[0].id == made[4]));
  page = ask(ask_dead_letters{.capability = "mail", .after = made[1]});
  BOOST_TEST(page.dead_letters.size() == 4U);
  BOOST_TEST((page.dead_letters[0].id == made[2]));
  page = ask(ask_dead_letters{.bytes_max = 1});
  BOOST_TEST(page.dead_letters.size() == 1U);
  BOOST_TEST(page.has_more);
  const auto counts_found = ask(ask_dead_letter_counts{});
  BOOST_REQUIRE(counts_found.capabilities.size() == 2U);
  BOOST_TEST(counts_found.capabilities[1].capability == "mail");
  BOOST_TEST(counts_found.capabilities[1].dead_letters == 5U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
