#include "tests/broker/journal/journal_fixture.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::broker {

namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kib = 1024;

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_broker_journal_sweep, *utf::label("integration") * utf::timeout(120))

BOOST_FIXTURE_TEST_CASE(events_past_their_time_go_and_the_others_stay, journal_fixture) {
  open();
  fill("a", 100); // At now - 99 to now.
  fill("b", 1);
  const std::int64_t end = now;

  BOOST_TEST(sweep({.rules = {{"a", 50ms}}, .now = end}) == 51U);

  BOOST_TEST(positions("a").size() == 49U);
  BOOST_TEST(positions("a").front() == 52U);
  const auto counted = counts("a");
  BOOST_TEST(counted.events == 49U);
  BOOST_TEST(counted.bytes == 49U * 4);
  BOOST_TEST(counted.total == 100U);
  BOOST_TEST(counted.first == 52U);
  BOOST_TEST(counted.first_time == end - 49);
  BOOST_TEST(sweep({.rules = {{"a", 50ms}}, .now = end}) == 0U);
  BOOST_TEST(sweep({.rules = {{"a", 50ms}}, .now = end + 10}) == 10U);
}

// A host began with a clock that was a year ahead, for 3 events, and then with one 10 days ahead.
BOOST_FIXTURE_TEST_CASE(events_of_a_clock_that_was_ahead_are_kept_no_longer, journal_fixture) {
  constexpr std::int64_t day = 24 * 3'600'000;
  open();
  fill("a", 2);
  now += 365 * day;
  fill("a", 3);
  now -= 355 * day;
  fill("a", 2);
  now -= 10 * day;
  fill("a", 4); // The last one stays in any case.
  fill("b", 1);
  const auto rule = retention_rule{"a", 1h};

  BOOST_TEST(sweep({.rules = {rule}, .now = now + day}) == 2U); // Those before: it is a day later.
  BOOST_TEST(sweep({.rules = {rule}, .now = now + day + 3'599'000}) == 0U);
  BOOST_TEST(sweep({.rules = {rule}, .now = now + day + 3'601'000}) == 3U);
  BOOST_TEST(sweep({.rules = {rule}, .now = now + day + 7'300'000}) == 6U);
  BOOST_TEST(positions("a").empty());
}

BOOST_FIXTURE_TEST_CASE(a_topic_beyond_its_size_loses_its_oldest_events, journal_fixture) {
  open();
  for (int i = 0; i < 100; ++i) {
    must_write({.events = {make("a", std::string(kib, 'x')), make("b", std::string(kib, 'x'))}});
  }

  BOOST_TEST(sweep({.rules = {{"a", 0ms, 10 * kib}}, .now = now}) == 90U);

  BOOST_TEST(positions("a").size() == 10U);
  BOOST_TEST(positions("a").back() == 199U);
  BOOST_TEST(positions("b").size() == 100U);
  BOOST_TEST(counts("a").bytes == 10 * kib);
  BOOST_TEST(sweep({.rules = {{"a", 0ms, 10 * kib}}, .now = now}) == 0U);
}

BOOST_FIXTURE_TEST_CASE(what_somebody_needs_stays_whatever_its_age_or_size, journal_fixture) {
  open();
  fill("order.created", 100, std::string(kib, 'x'));
  const std::vector<retention_need> needs{{"order.*", 30}, {"other", 5}, {"order.created", 60}};
  const retention_rule rule{"*", 1ms, 1};

  BOOST_TEST(sweep({.rules = {rule}, .needs = needs, .now = now + 1'000}) == 30U);

  BOOST_TEST(positions("*").front() == 31U);
  BOOST_TEST(sweep({.rules = {rule}, .needs = needs, .now = now + 1'000}) == 0U);
}

BOOST_FIXTURE_TEST_CASE(unread_events_go_where_the_rule_says_so, journal_fixture) {
  open();
  fill("a", 50);
  fill("b", 50);
  const std::vector<retention_need> needs{{"*", 0}};

  BOOST_TEST(
      sweep(
          {.rules = {{.pattern = "a", .keep = 1ms, .drop_unread = true}, {"*", 1ms}},
           .needs = needs,
           .now = now + 1'000})
      == 50U);

  BOOST_TEST(positions("a").empty());
  BOOST_TEST(positions("b").size() == 50U);
}

BOOST_FIXTURE_TEST_CASE(the_first_rule_that_matches_a_topic_holds, journal_fixture) {
  open();
  fill("order.paid", 10);
  fill("order.lost", 10);
  fill("stock.low", 10);
  fill("none", 1);

  BOOST_TEST(
      sweep({.rules = {{"order.paid"}, {"order.*", 1ms}, {"order.paid", 1ms}}, .now = now + 1'000})
      == 10U);

  BOOST_TEST(positions("order.paid").size() == 10U);
  BOOST_TEST(positions("order.lost").empty());
  BOOST_TEST(positions("stock.low").size() == 10U);
}

// A position given twice would pass for an event that its subscribers have handled already.
BOOST_FIXTURE_TEST_CASE(the_last_position_survives_the_deletion_of_all_events, journal_fixture) {
  open();
  fill("a", 100);
  fill("b", 100);
  BOOST_TEST(
      sweep({.rules = {{.pattern = "*", .keep = 1ms, .drop_unread = true}}, .now = now + 1'000})
      == 199U);
  BOOST_TEST(positions("*") == (std::vector<std::uint64_t>{200}), boost::test_tools::per_element());
  open();
  BOOST_TEST(found.last == 200U);
  must_write({.events = {make("a")}});

  // Rows deleted by hand change nothing, as the counters are on disk.
  sweep({.rules = {{"*", 1ms}}, .now = now + 1'000});
  journal.reset();
  {
    auto options_of_hand = options.sqlite;
    options_of_hand.capability = "troupe.journal";
    auto session = store::open_sqlite(options.path, options_of_hand);
    BOOST_REQUIRE(session.has_value());
    (*session)->execute("DELETE FROM events");
  }
  open();

  BOOST_TEST(found.last == 201U);
  must_write({.events = {make("a")}});
  BOOST_TEST(positions("*") == (std::vector<std::uint64_t>{202}), boost::test_tools::per_element());
}

// Slices keep commits from waiting long, and no slice looks at rows of an earlier one.
BOOST_FIXTURE_TEST_CASE(a_sweep_goes_in_slices_between_which_events_are_written, journal_fixture) {
  options.sweep_rows = 100;
  open();
  fill("keep", 350);
  fill("go", 250);
  fill("keep", 10);
  journal->begin_sweep({.rules = {{"go", 1ms}}, .now = now + 1'000});

  std::uint64_t deleted = 0;
  int slices = 0;
  for (bool more = true; more; ++slices) {
    const auto slice = journal->sweep();
    BOOST_REQUIRE(slice.has_value());
    BOOST_TEST(slice->deleted <= 100U);
    deleted += slice->deleted;
    more = slice->has_more;
    fill("go", 1);
    BOOST_REQUIRE(slices < 20);
  }

  BOOST_TEST(deleted >= 250U);
  BOOST_TEST(slices >= 3);
  BOOST_TEST(positions("keep").size() == 360U);
  BOOST_TEST(counts("go").events == positions("go").size());
  BOOST_TEST(counts("go").total == 250U + static_cast<std::uint64_t>(slices));
  open();
  BOOST_TEST(counts("go").events == positions("go").size());
  BOOST_TEST(counts("keep").events == 360U);
}

BOOST_FIXTURE_TEST_CASE(topics_of_which_nothing_is_kept_are_forgotten, journal_fixture) {
  open();
  for (const char* topic : {"gone", "named", "scheduled", "dead", "kept", "last"}) {
    fill(topic, 1);
  }
  auto later = make("scheduled");
  --last;
  auto dead = make("dead");
  must_write(
      {.events = {dead},
       .dead_letters = {{.id = ids.next(time.wall()), .capability = "mail", .what = dead}},
       .scheduled = {{ids.next(time.wall()), now + 9'999'999, later}}});
  fill("last", 1);
  journal->begin_sweep(
      {.rules = {{"kept"}, {.pattern = "*", .keep = 1ms}},
       .needs = {{"named", last}, {"*", last}},
       .now = now + 1'000});

  const auto slice = journal->sweep();

  BOOST_REQUIRE(slice.has_value());
  BOOST_TEST(
      slice->forgotten == std::vector<std::string>{"gone"}, boost::test_tools::per_element());
  open();
  BOOST_TEST(
      found.topics == (std::vector<std::string>{"named", "scheduled", "dead", "kept", "last"}),
      boost::test_tools::per_element());
}

// Who comes back late has to hear that events are missing, and nobody else.
BOOST_FIXTURE_TEST_CASE(how_far_retention_went_is_said_to_who_reads_on, journal_fixture) {
  const auto deleted = [this](std::uint64_t after, std::string pattern) {
    return ask(ask_events{.after = after, .patterns = {std::move(pattern)}, .tells_deleted = true})
        .deleted_to;
  };
  open();
  fill("a", 10);
  fill("b", 10);
  BOOST_TEST(deleted(0, "*") == 0U);

  sweep({.rules = {{"a", 1ms}}, .needs = {{"a", 5}}, .now = now + 1'000});

  BOOST_TEST(deleted(0, "a") == 5U);
  BOOST_TEST(deleted(4, "*") == 5U);
  BOOST_TEST(deleted(5, "a") == 0U);
  BOOST_TEST(deleted(0, "b") == 0U);
  BOOST_TEST(ask(ask_events{.patterns = {"a"}}).deleted_to == 0U);

  fill("gone", 2);
  fill("c", 1); // The topic with the highest number is never forgotten.
  sweep({.rules = {{"gone", 1ms}}, .now = now + 1'000});
  open();
  BOOST_TEST(deleted(0, "gone") == 22U);
  BOOST_TEST(deleted(21, "gone.again") == 22U); // It may have been of that.
  BOOST_TEST(deleted(22, "*") == 0U);
}

// Readers remember which number is which topic.
BOOST_FIXTURE_TEST_CASE(the_number_of_a_forgotten_topic_is_not_given_again, journal_fixture) {
  open();
  auto reader = journal_reader::open(options);
  BOOST_REQUIRE(reader.has_value());
  for (int round = 0; round < 3; ++round) {
    const std::string name = "t" + std::to_string(round);
    fill(name, 2);
    BOOST_TEST((**reader)(ask_events{.after = last - 2, .patterns = {name}}).events.size() == 2U);
    sweep({.rules = {{"*", 1ms}}, .now = now + 1'000});
    if (round == 1) {
      open();
    }
  }
  fill("t0", 1);
  sweep({.rules = {{"*", 1ms}}, .now = now + 1'000});

  const auto page = (**reader)(ask_events{.patterns = {"*"}});
  BOOST_REQUIRE(page.events.size() == 1U);
  BOOST_TEST(page.events[0]->topic == "t0");
  open();
  BOOST_TEST(found.topics == std::vector<std::string>{"t0"}, boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(a_sweep_looks_at_some_topics_and_the_next_at_the_others, journal_fixture) {
  options.sweep_rows = 3;
  open();
  for (int i = 0; i < 8; ++i) {
    fill("t" + std::to_string(i), 1);
  }
  const retention rules{.rules = {{"*", 1ms}}, .now = now + 1'000};

  sweep(rules);
  const std::size_t after_one = ask(ask_topics{}).topics.size();
  sweep(rules);
  sweep(rules);

  BOOST_TEST(after_one == 5U);
  BOOST_TEST(ask(ask_topics{}).topics.size() == 1U);
}

// Topics interleave, rules and needs differ, and the journal is reopened now and then: the
// counters always agree with the rows, and events that are needed stay.
BOOST_FIXTURE_TEST_CASE(counters_agree_with_the_rows_after_any_sweep, journal_fixture) {
  options.sweep_rows = 37;
  options.uncounted_max = 100;
  open();
  std::uint64_t random = 42;
  const auto below = [&random](std::uint64_t bound) {
    random = random * 6364136223846793005ULL + 1442695040888963407ULL;
    return (random >> 33) % bound;
  };
  for (int round = 0; round < 60; ++round) {
    journal_batch batch;
    for (std::uint64_t i = below(80); i > 0; --i) {
      now += static_cast<std::int64_t>(below(3));
      batch.events.push_back(make("t" + std::to_string(below(5)), std::string(below(300), 'x')));
    }
    must_write(batch);
    const std::uint64_t needed = below(last + 1);
    const retention rules{
        .rules =
            {{"t0", milliseconds{1 + below(200)}},
             {"t1", 0ms, 1 + below(20'000)},
             {"t2", milliseconds{1 + below(200)}, 1 + below(20'000)},
             {"t3", 1ms, 0, true}},
        .needs = {{"*", needed}},
        .now = now};
    const auto before = positions("t0");
    sweep(rules);
    if (below(4) == 0) {
      open();
    }
    for (int topic = 0; topic < 5; ++topic) {
      const std::string name = "t" + std::to_string(topic);
      const auto there = positions(name);
      const auto counted = counts(name);
      BOOST_TEST_CONTEXT("round " << round << ", topic " << name) {
        BOOST_TEST(counted.events == there.size());
        if (!there.empty()) {
          BOOST_TEST(counted.first <= there.front());
          BOOST_TEST(counted.last == there.back());
        }
      }
    }
    const auto after = positions("t0");
    for (const std::uint64_t each : before) {
      if (each > needed) {
        BOOST_TEST(std::ranges::binary_search(after, each));
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
