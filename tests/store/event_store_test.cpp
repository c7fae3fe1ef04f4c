#include "runtime/store/event_store.hpp"

#include "tests/store/faulty_database.hpp"
#include "tests/store/store_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

namespace utf = boost::unit_test;

namespace troupe::store {

namespace {

struct events_fixture : store_fixture {
  events_fixture() {
    BOOST_REQUIRE(migrate(*session, time, "troupe.events", event_migrations()).value() == 1);
  }

  outcome<std::int64_t>
  append(const uuid& stream, std::int64_t expected, std::vector<std::string> types) {
    std::vector<new_event> added;
    added.reserve(types.size());
    for (const std::string& type : types) {
      added.push_back({type, type});
    }
    transaction writing{*session};
    auto version = events.append(stream, expected, added, cause, time.wall());
    writing.commit();
    return version;
  }

  /// "1 opened, 2 closed".
  std::string story(const uuid& stream, std::int64_t from = 1) {
    std::string text;
    events.read(stream, from, [&](const event_row& event) { add(text, event); });
    return text;
  }

  static void add(std::string& text, const event_row& event) {
    text +=
        (text.empty() ? "" : ", ") + std::to_string(event.version) + " " + std::string{event.type};
  }

  std::unique_ptr<database> session = open();
  event_store events{*session};
  manual_clock time;
  uuid_source ids{1};
  uuid first = ids.next(time.wall());
  uuid second = ids.next(time.wall());
  uuid cause = ids.next(time.wall());
};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_store_event_store, *utf::label("integration") * utf::timeout(120))

BOOST_FIXTURE_TEST_CASE(events_are_read_as_they_were_appended, events_fixture) {
  const auto began = time.wall();
  BOOST_TEST(append(first, 0, {"opened", "paid"}).value() == 2);
  time.advance(std::chrono::milliseconds{1500});
  BOOST_TEST(append(first, 2, {"closed"}).value() == 3);

  std::vector<wall_time> times;
  events.read(first, 1, [&](const event_row& event) {
    BOOST_TEST((event.stream == first));
    BOOST_TEST((event.cause == cause));
    BOOST_TEST(event.type == event.body);
    times.push_back(event.at);
  });

  BOOST_TEST(story(first) == "1 opened, 2 paid, 3 closed");
  BOOST_TEST(story(first, 2) == "2 paid, 3 closed");
  BOOST_TEST(story(first, 4).empty());
  BOOST_TEST(story(second).empty());
  BOOST_TEST(events.version_of(first) == 3);
  BOOST_TEST(events.version_of(second) == 0);
  BOOST_REQUIRE(times.size() == 3U);
  BOOST_TEST((times[1] - began < std::chrono::milliseconds{1}));
  BOOST_TEST((times[2] - times[1] == std::chrono::milliseconds{1500}));
}

BOOST_FIXTURE_TEST_CASE(a_reader_may_stop, events_fixture) {
  BOOST_REQUIRE(append(first, 0, {"a", "b", "c"}));
  std::string text;

  events.read(first, 1, [&](const event_row& event) {
    add(text, event);
    return event.version < 2;
  });

  BOOST_TEST(text == "1 a, 2 b");
}

// A session that holds whole results would fetch the rest of a stream for its first event, and all
// that stand behind it for each slice of a rebuild.
BOOST_FIXTURE_TEST_CASE(a_reader_that_stops_has_not_fetched_the_rest, events_fixture) {
  const uuid third = ids.next(time.wall());
  BOOST_REQUIRE(append(first, 0, std::vector<std::string>(1'500, "a")));
  BOOST_REQUIRE(append(second, 0, std::vector<std::string>(64, "b")));
  BOOST_REQUIRE(append(third, 0, {"c", "d"}));
  const auto fetched_by = [&](auto read) {
    faulty_database server{*session};
    server.hold_whole_results();
    read(event_store{server});
    BOOST_TEST(server.rows_at_once() <= 512);
    return server.rows_fetched();
  };
  std::int64_t seen = 0;
  const auto count = [&seen](const event_row&) { ++seen; };

  BOOST_TEST(
      fetched_by([&](event_store all) {
        all.read(first, 1, [&](const event_row& event) { return event.version < 3; });
      })
      < 100);
  BOOST_TEST(
      fetched_by([&](event_store all) {
        all.read_streams(uuid{}, [&](const event_row& event) { return event.version < 3; });
      })
      < 100);
  BOOST_TEST(fetched_by([&](event_store all) { all.read(first, 2, count); }) == 1'499);
  BOOST_TEST(fetched_by([&](event_store all) { all.read_streams(uuid{}, count); }) == 1'566);
  BOOST_TEST(fetched_by([&](event_store all) { all.read_streams(first, count); }) == 66);
  BOOST_TEST(fetched_by([&](event_store all) { all.read(second, 1, count); }) == 64);
  BOOST_TEST(fetched_by([&](event_store all) { all.read(second, 65, count); }) == 0);
  BOOST_TEST(seen == 1'499 + 1'566 + 66 + 64);
}

// Bodies of a megabyte: no more of them at once than a page has room for.
BOOST_FIXTURE_TEST_CASE(large_events_are_read_a_few_at_a_time, events_fixture) {
  const std::string large(std::size_t{1} << 20U, 'x');
  const std::vector<new_event> added(100, {"grown", large});
  transaction writing{*session};
  BOOST_REQUIRE(events.append(first, 0, added, cause, time.wall()));
  writing.commit();
  faulty_database server{*session};
  server.hold_whole_results();
  std::int64_t versions = 0;

  event_store{server}.read(first, 1, [&](const event_row& event) { versions += event.version; });

  BOOST_TEST(versions == 100 * 101 / 2);
  BOOST_TEST(server.rows_at_once() <= 64);
}

BOOST_FIXTURE_TEST_CASE(a_stream_that_moved_on_is_a_conflict_which_names_both, events_fixture) {
  BOOST_REQUIRE(append(first, 0, {"opened", "paid"}));
  for (const std::int64_t expected : {0, 1, 3}) {
    const auto late = append(first, expected, {"closed"});

    BOOST_REQUIRE(!late.has_value());
    BOOST_TEST(late.error().code == errc::conflict);
    BOOST_TEST(late.error().detail("expected") == std::to_string(expected));
    BOOST_TEST(late.error().detail("version") == "2");
    BOOST_TEST(late.error().message.find(to_string(first)) != std::string::npos);
  }
  BOOST_TEST(!append(second, 1, {"closed"}).has_value());

  BOOST_TEST(story(first) == "1 opened, 2 paid");
  BOOST_TEST(story(second).empty());
}

BOOST_FIXTURE_TEST_CASE(a_conflict_writes_nothing_so_that_a_handler_may_go_on, events_fixture) {
  BOOST_REQUIRE(append(first, 0, {"opened"}));
  const auto changed = session->changes();

  BOOST_REQUIRE(!append(first, 0, {"opened", "paid"}).has_value());

  BOOST_TEST(session->changes() == changed);
}

// They belong to the turn: if it is undone, they are.
BOOST_FIXTURE_TEST_CASE(what_is_rolled_back_did_not_happen, events_fixture) {
  BOOST_REQUIRE(append(first, 0, {"opened"}));
  session->begin();
  const std::vector<new_event> paid{{"paid", ""}};
  BOOST_REQUIRE(events.append(first, 1, paid, cause, time.wall()));
  events.save_snapshot(first, 2, 1, "paid");
  session->rollback();

  BOOST_TEST(story(first) == "1 opened");
  BOOST_TEST(!events.find_snapshot(first, 1).has_value());
  BOOST_TEST(append(first, 1, {"closed"}).value() == 2);
}

BOOST_FIXTURE_TEST_CASE(all_streams_are_read_stream_by_stream, events_fixture) {
  BOOST_REQUIRE(append(second, 0, {"a"}));
  BOOST_REQUIRE(append(first, 0, {"b", "c"}));
  BOOST_REQUIRE(append(second, 1, {"d"}));
  std::string all;
  std::string rest;

  events.read_streams(uuid{}, [&](const event_row& event) { all += event.type; });
  events.read_streams(first, [&](const event_row& event) { rest += event.type; });

  BOOST_TEST(all == "bcad");
  BOOST_TEST(rest == "ad");
  BOOST_TEST((events.stream_after(uuid{}, 1) == first));
  BOOST_TEST((events.stream_after(uuid{}, 2) == first));
  BOOST_TEST((events.stream_after(uuid{}, 3) == second));
  BOOST_TEST((events.stream_after(first, 2) == second));
  BOOST_TEST((events.stream_after(first, 3) == std::nullopt));
}

BOOST_FIXTURE_TEST_CASE(a_missing_version_is_reported_and_not_passed_over, events_fixture) {
  BOOST_REQUIRE(append(first, 0, {"a", "b", "c"}));
  session->execute("DELETE FROM events WHERE version = 2");
  const auto read_one = [&] { story(first); };
  const auto read_each = [&] { events.read_streams(uuid{}, [](const event_row&) {}); };

  BOOST_TEST(fault_of_call(read_one) == database_fault::corrupt);
  BOOST_TEST(fault_of_call(read_each) == database_fault::corrupt);
}

BOOST_FIXTURE_TEST_CASE(the_table_itself_refuses_a_version_twice_and_none, events_fixture) {
  BOOST_REQUIRE(append(first, 0, {"a"}));
  const auto insert = [&](int version, int position) {
    return fault_of_call([&] {
      session->execute(
          "INSERT INTO events (stream, version, position, type, body, at, cause) "
          "VALUES ($1, $2, $3, 'x', $4, 0, $1)",
          first,
          version,
          position,
          blob{});
    });
  };

  BOOST_TEST(insert(1, 7) == database_fault::constraint);
  BOOST_TEST(insert(0, 7) == database_fault::constraint);
  BOOST_TEST(insert(2, 1) == database_fault::constraint);
}

BOOST_FIXTURE_TEST_CASE(the_newest_snapshot_at_or_below_a_version_is_found, events_fixture) {
  events.save_snapshot(first, 10, 1, "ten");
  events.save_snapshot(first, 20, 1, "twenty");
  events.save_snapshot(first, 30, 2, "thirty");
  events.save_snapshot(first, 20, 1, "TWENTY");

  BOOST_TEST(events.find_snapshot(first, 1)->body == "TWENTY");
  BOOST_TEST(events.find_snapshot(first, 1)->version == 20);
  BOOST_TEST(events.find_snapshot(first, 2)->body == "thirty");
  BOOST_TEST(events.find_snapshot(first, 1, 19)->body == "ten");
  BOOST_TEST(events.find_snapshot(first, 1, 10)->body == "ten");
  BOOST_TEST(!events.find_snapshot(first, 1, 9).has_value());
  BOOST_TEST(!events.find_snapshot(first, 3).has_value());
  BOOST_TEST(!events.find_snapshot(second, 1).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::store
