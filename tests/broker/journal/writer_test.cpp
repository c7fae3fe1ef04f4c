#include "runtime/broker/journal/writer.hpp"

#include "runtime/broker/journal/tables.hpp"
#include "runtime/store/migrations.hpp"
#include "tests/broker/journal/journal_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <filesystem>

namespace utf = boost::unit_test;

namespace troupe::broker {

BOOST_AUTO_TEST_SUITE(runtime_broker_journal_writer, *utf::label("integration") * utf::timeout(240))

BOOST_FIXTURE_TEST_CASE(a_new_journal_is_empty_and_in_its_first_generation, journal_fixture) {
  open();

  BOOST_TEST(found.generation == 1U);
  BOOST_TEST(found.last == 0U);
  BOOST_TEST((found.instance != uuid{}));
  BOOST_TEST(found.recent.empty());
  BOOST_TEST(!found.next_due);
}

// A life that wrote nothing gives its place to the next: only what wrote is remembered.
BOOST_FIXTURE_TEST_CASE(each_opening_that_wrote_is_a_life_of_the_journal, journal_fixture) {
  open();
  const uuid first = found.lives.writer_of(1);
  must_write({.events = {make("order.created"), make("order.created")}});
  open();
  const uuid idle = found.lives.writer_of(3);
  open();
  const uuid third = found.lives.writer_of(3);
  must_write({.events = {make("order.created")}});
  open();

  BOOST_TEST((first != uuid{} && idle != uuid{} && third != uuid{}));
  BOOST_TEST((idle != third));
  BOOST_TEST((found.lives.writer_of(2) == first));
  BOOST_TEST((found.lives.writer_of(3) == third));
  BOOST_TEST(found.lives.lives().size() == 3U);
}

BOOST_FIXTURE_TEST_CASE(the_newest_events_of_an_outbox_that_went_back_are_known, journal_fixture) {
  open();
  auto first = make("order.created", "0", "orders");
  auto lost = make("order.created", "1", "orders");
  auto again = make("order.created", "1", "orders");
  again->only_for = "mail"; // A dead letter that was tried again.
  must_write({.events = {first, lost, again, make("stock.low")}});
  const uuid database = found.instance;
  must_write({.rewinds = {{"orders", database, 1}}});
  open();

  BOOST_REQUIRE(found.rewound.size() == 1U);
  BOOST_TEST(found.rewound[0].capability == "orders");
  BOOST_TEST((found.rewound[0].instance == database));
  BOOST_TEST((found.rewound[0].id == lost->id));
}

// A person tidied up with a shell.
BOOST_FIXTURE_TEST_CASE(no_position_is_given_twice_whatever_was_deleted_by_hand, journal_fixture) {
  open();
  must_write({.events = {make("order.created"), make("order.created")}});
  journal.reset();
  {
    auto how = options.sqlite;
    how.capability = "troupe.journal";
    auto stranger = store::open_sqlite(options.path, how);
    BOOST_REQUIRE(stranger.has_value());
    store::transaction tidying{**stranger};
    (*stranger)->execute("DELETE FROM events");
    tidying.commit();
  }

  open();

  BOOST_TEST(found.last == 2U);
}

BOOST_FIXTURE_TEST_CASE(what_was_written_is_there_in_order_after_reopening, journal_fixture) {
  open();
  const uuid instance = found.instance;
  auto full = make("order.created", std::string(5'000, 'x'), "orders");
  full->traceparent = "00-1-2-01";
  full->only_for = "mail";
  auto bare = make("order.paid", "");
  bare->key = "";
  must_write({.events = {full, bare}});
  must_write({.events = {make("stock.low")}});

  open();

  BOOST_TEST((found.instance == instance));
  BOOST_TEST(found.last == 3U);
  const auto page = ask(ask_events{.patterns = {"*"}});
  BOOST_REQUIRE(page.events.size() == 3U);
  BOOST_TEST(page.scanned == 3U);
  const event& first = *page.events[0];
  BOOST_TEST(first.position == 1U);
  BOOST_TEST((first.id == full->id));
  BOOST_TEST(first.time == full->time);
  BOOST_TEST(first.partition == wire::partition_of(full->key, full->id));
  BOOST_TEST(first.digest == 0U);
  BOOST_TEST(first.topic == "order.created");
  BOOST_TEST(first.key == full->key);
  BOOST_TEST(first.source == "orders");
  BOOST_TEST(first.traceparent == "00-1-2-01");
  BOOST_TEST(first.only_for == "mail");
  BOOST_TEST(first.body == full->body);
  const event& second = *page.events[1];
  BOOST_TEST(second.digest == bare->digest);
  BOOST_TEST(second.key.empty());
  BOOST_TEST(second.body.empty());
  BOOST_TEST(second.partition == wire::partition_of("", bare->id));
  BOOST_TEST(page.events[2]->topic == "stock.low");
}

BOOST_FIXTURE_TEST_CASE(the_generation_rises_at_each_opening, journal_fixture) {
  open();
  open();
  BOOST_TEST(found.generation == 2U);
  open();
  BOOST_TEST(found.generation == 3U);
}

BOOST_FIXTURE_TEST_CASE(a_batch_with_a_gap_is_refused_whole, journal_fixture) {
  open();
  must_write({.events = {make("a")}});
  auto second = make("a");
  ++last;
  auto fourth = make("a");

  const auto done = write({.events = {second, fourth}, .cursors = {{"mail"}}});

  BOOST_REQUIRE(!done);
  BOOST_TEST(done.error().code == errc::internal);
  open();
  BOOST_TEST(found.last == 1U);
  BOOST_TEST(found.cursors.empty());
  must_write({.events = {make("a")}});
}

BOOST_FIXTURE_TEST_CASE(sources_and_cursors_are_found_as_last_written, journal_fixture) {
  open();
  source_row source{"orders", ids.next(time.wall()), 7, ids.next(time.wall())};
  cursor_row cursor{"mail"};
  cursor.handled[0] = 1;
  cursor.handled[63] = 0xfedcba9876543210;
  cursor.reached[63] = 0xfedcba987654320f;
  must_write({.sources = {source}, .cursors = {cursor, {"ledger"}}});
  source.taken = 9;
  source.taken_id = ids.next(time.wall());
  cursor.handled[1] = 5;
  cursor.reached[1] = 4;
  must_write({.sources = {source}, .cursors = {cursor}});

  open();

  BOOST_REQUIRE(found.sources.size() == 1U);
  BOOST_TEST(found.sources[0].capability == "orders");
  BOOST_TEST((found.sources[0].instance == source.instance));
  BOOST_TEST(found.sources[0].taken == 9U);
  BOOST_TEST((found.sources[0].taken_id == source.taken_id));
  BOOST_REQUIRE(found.cursors.size() == 2U);
  BOOST_TEST((found.cursors[1] == cursor));
}

BOOST_FIXTURE_TEST_CASE(a_journal_of_the_first_schema_is_brought_up_to_date, journal_fixture) {
  std::filesystem::create_directories(std::filesystem::path{options.path}.parent_path());
  {
    auto how = options.sqlite;
    how.capability = journal_component;
    auto session = store::open_sqlite(options.path, how);
    BOOST_REQUIRE(session.has_value());
    BOOST_REQUIRE(
        store::migrate(**session, time, journal_component, journal_components()[0].steps.first(1))
            .has_value());
    (*session)->execute(
        "INSERT INTO cursors (capability, handled) VALUES ('mail', $1)",
        bytes_of(std::string(511, '\0') + '\x07'));
    (*session)->execute("INSERT INTO scheduled (id, due_at, topic, event_id, time, body) "
                        "VALUES (x'01', 5, 'later', x'02', 1, x'')");
  }

  open();

  BOOST_REQUIRE(found.cursors.size() == 1U);
  BOOST_TEST(found.cursors[0].handled[63] == 7U);
  BOOST_TEST(found.cursors[0].reached[63] == 0U);
  BOOST_TEST(found.topics == std::vector<std::string>{"later"}, boost::test_tools::per_element());
  found.cursors[0].reached[63] = 7;
  const cursor_row written = found.cursors[0];
  must_write({.cursors = {written}});
  open();
  BOOST_TEST((found.cursors.at(0) == written));
}

// An id of a client is remembered however many events came from outboxes since.
BOOST_FIXTURE_TEST_CASE(only_the_last_ids_of_clients_are_remembered, journal_fixture) {
  open();
  constexpr std::uint64_t more = 3'000;
  fill("a", published_ids::kept + more, "b", 1'000);
  journal_batch of_outbox;
  for (int i = 0; i < 500; ++i) {
    of_outbox.events.push_back(make("b", "b", "orders"));
  }
  must_write(of_outbox);
  const auto last_of_client = make("a");
  must_write({.events = {last_of_client}});

  open();

  BOOST_REQUIRE(found.recent.size() == published_ids::kept);
  BOOST_TEST((found.recent.back().id == last_of_client->id));
  BOOST_TEST(found.recent.back().position == last_of_client->position);
  BOOST_TEST(found.recent.back().digest == last_of_client->digest);
  BOOST_TEST(found.recent.front().position == more + 2);
  for (std::size_t i = 1; i < found.recent.size(); ++i) {
    BOOST_REQUIRE(found.recent[i - 1].position < found.recent[i].position);
  }
}

BOOST_FIXTURE_TEST_CASE(ids_of_clients_survive_the_deletion_of_their_events, journal_fixture) {
  open();
  fill("a", 10);
  BOOST_TEST(sweep({.rules = {{"*", milliseconds{1}}}, .now = now + 1'000}) == 9U);

  open();

  BOOST_TEST(found.recent.size() == 10U);
}

BOOST_FIXTURE_TEST_CASE(a_second_dead_letter_for_a_position_changes_nothing, journal_fixture) {
  open();
  const auto what = make("a");
  must_write({.events = {what}});
  dead_letter first{
      .id = ids.next(time.wall()),
      .capability = "mail",
      .what = what,
      .cause = "rejected",
      .error = "no",
      .attempts = 3,
      .first_at = 5,
      .last_at = 6,
      .node = "n1",
      .replica = 2};
  dead_letter second = first;
  second.id = ids.next(time.wall());
  second.cause = "crashed";
  dead_letter of_other = second;
  of_other.id = ids.next(time.wall());
  of_other.capability = "ledger";
  must_write({.dead_letters = {first}});
  must_write({.dead_letters = {second, of_other}});

  const auto page = ask(ask_dead_letters{});
  BOOST_REQUIRE(page.dead_letters.size() == 2U);
  BOOST_TEST(!page.has_more);
  BOOST_TEST(page.dead_letters[0].cause == "rejected");
  BOOST_TEST(page.dead_letters[1].capability == "ledger");
  const auto one = ask(ask_dead_letter{first.id}).what;
  BOOST_REQUIRE(one);
  BOOST_TEST(one->capability == "mail");
  BOOST_TEST(one->error == "no");
  BOOST_TEST(one->attempts == 3U);
  BOOST_TEST(one->first_at == 5);
  BOOST_TEST(one->last_at == 6);
  BOOST_TEST(one->node == "n1");
  BOOST_TEST(one->replica == 2U);
  BOOST_TEST(one->what->position == what->position);
  BOOST_TEST(one->what->topic == "a");
  BOOST_TEST((one->what->id == what->id));
  BOOST_TEST(one->what->key == what->key);
  BOOST_TEST(one->what->body == what->body);
  BOOST_TEST(!ask(ask_dead_letter{second.id}).what);
}

BOOST_FIXTURE_TEST_CASE(a_dropped_dead_letter_is_gone_and_may_come_again, journal_fixture) {
  open();
  const auto what = make("a");
  dead_letter dead{.id = ids.next(time.wall()), .capability = "mail", .what = what};
  must_write({.events = {what}, .dead_letters = {dead}});
  const auto again = make("a");
  again->only_for = "mail";
  const uuid old = std::exchange(dead.id, ids.next(time.wall()));
  dead.what = again;

  must_write({.events = {again}, .dead_letters = {dead}, .dropped = {old}});

  const auto page = ask(ask_dead_letters{.capability = "mail"});
  BOOST_REQUIRE(page.dead_letters.size() == 1U);
  BOOST_TEST(page.dead_letters[0].what->position == 2U);
  BOOST_TEST(page.dead_letters[0].what->only_for == "mail");
}

BOOST_FIXTURE_TEST_CASE(dead_letters_above_the_cursor_are_told_at_opening, journal_fixture) {
  open();
  journal_batch batch;
  for (int i = 0; i < 4; ++i) {
    batch.events.push_back(make("a"));
    for (const std::string capability : {"ledger", "mail"}) {
      batch.dead_letters.push_back(
          {.id = ids.next(time.wall()), .capability = capability, .what = batch.events.back()});
    }
  }
  cursor_row cursor{"mail"};
  cursor.handled.fill(3);
  cursor.handled[5] = 2;
  batch.cursors = {cursor};
  must_write(batch);

  open();

  BOOST_REQUIRE(found.dead_letters.size() == 6U);
  BOOST_TEST(found.dead_letters[0].capability == "ledger");
  BOOST_TEST(found.dead_letters[0].position == 1U);
  BOOST_TEST(found.dead_letters[4].capability == "mail");
  BOOST_TEST(found.dead_letters[4].position == 3U);
  BOOST_TEST(found.dead_letters[5].position == 4U);
}

BOOST_FIXTURE_TEST_CASE(scheduled_events_come_when_due_earliest_first, journal_fixture) {
  open();
  const auto later = [this](std::int64_t due_at) {
    auto what = make("later", std::to_string(due_at));
    --last;
    what->position = 0;
    return scheduled_event{ids.next(time.wall()), due_at, what};
  };
  const auto at_30 = later(30);
  const auto at_10 = later(10);
  const auto at_20 = later(20);
  must_write({.scheduled = {at_30, at_10, at_20}});
  must_write({.scheduled = {at_10}}); // Again: nothing changes.
  open();
  BOOST_TEST(found.next_due.value() == 10);

  auto due = ask(ask_due{.now = 20});
  BOOST_REQUIRE(due.events.size() == 2U);
  BOOST_TEST((due.events[0].id == at_10.id));
  BOOST_TEST(due.events[0].what->body == "10");
  BOOST_TEST((due.events[0].what->id == at_10.what->id));
  BOOST_TEST(due.events[1].due_at == 20);
  BOOST_TEST(due.next_due.value() == 30);
  BOOST_TEST(ask(ask_due{.now = 20, .count_max = 1}).next_due.value() == 20);
  const std::size_t one = at_10.what->body.size();
  BOOST_TEST(ask(ask_due{.now = 20, .bytes_max = 2 * one}).events.size() == 2U);
  const due_found first = ask(ask_due{.now = 20, .bytes_max = 2 * one - 1});
  BOOST_TEST(first.events.size() == 1U);
  BOOST_TEST(first.next_due.value() == 20);
  BOOST_TEST(ask(ask_due{.now = 20, .bytes_max = 1}).events.size() == 1U);
  auto fired = make("later");
  must_write({.events = {fired}, .fired = {at_10.id, at_20.id}});

  due = ask(ask_due{.now = 29});
  BOOST_TEST(due.events.empty());
  BOOST_TEST(due.next_due.value() == 30);
  open();
  BOOST_TEST(found.next_due.value() == 30);
}

BOOST_FIXTURE_TEST_CASE(a_second_broker_is_refused_in_words, journal_fixture) {
  open();
  journal_state other;

  const auto second = journal_writer::open(options, time, other);

  BOOST_REQUIRE(!second);
  BOOST_TEST(second.error().code == errc::unavailable);
  BOOST_TEST(second.error().message.find("another broker has it") != std::string::npos);
  must_write({.events = {make("a")}});
  open(); // Once the first one has gone.
}

BOOST_FIXTURE_TEST_CASE(counters_hold_whether_or_not_they_were_written_down, journal_fixture) {
  options.uncounted_max = 64;
  open();
  for (int round = 0; round < 30; ++round) {
    journal_batch batch;
    batch.events = {make("a", "12345"), make("b", "1"), make("a", "12345")};
    must_write(batch);

    const auto counted = counts("a");
    const auto events = static_cast<std::uint64_t>(round + 1) * 2;
    BOOST_REQUIRE(counted.events == events);
    BOOST_REQUIRE(counted.bytes == events * 5);
    BOOST_REQUIRE(counted.total == events);
    BOOST_REQUIRE(counted.first == 1U);
    BOOST_REQUIRE(counted.last == last);
    if (round % 7 == 3) {
      open();
    }
  }
}

// Opening reads a bounded window, however much the journal holds.
BOOST_FIXTURE_TEST_CASE(a_million_events_do_not_slow_opening_down, journal_fixture) {
  options.sqlite.durable = false; // Only to get there fast.
  open();
  fill("a", 1'000'000, std::string(128, 'b'), 1'000);
  options.sqlite.durable = true;

  const auto start = std::chrono::steady_clock::now();
  open();
  const auto spent = std::chrono::steady_clock::now() - start;

  BOOST_TEST(found.last == 1'000'000U);
  BOOST_TEST(found.recent.size() == published_ids::kept);
  BOOST_TEST_MESSAGE(
      "opened in " << std::chrono::duration_cast<milliseconds>(spent).count() << " ms");
  BOOST_TEST((spent < std::chrono::seconds{1}));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
