#include "runtime/store/postgres/session.hpp"
#include "tests/store/engine.hpp"
#include "tests/worker/process_fixture.hpp"

#include <string>

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

boost::test_tools::assertion_result on_postgres(utf::test_unit_id) {
  boost::test_tools::assertion_result there{store::is_on_postgres()};
  there.message() << "SQLite is no server";
  return there;
}

/// A process over a server whose round trips are counted.
struct trips_fixture {
  temporary_folder folder;
  manual_clock time;
  probe seen;
  process p{time, "n1", things_type(seen), things_options(folder, 1)};

  trips_fixture() { p.start(); }

  /// What a turn of so many commands costs. The first one of a kind prepares its statements.
  std::uint64_t trips_of(std::size_t commands, std::string_view operation) {
    const auto& session = dynamic_cast<store::postgres_session&>(*p.store->database);
    std::uint64_t trips = 0;
    for (int turns = 0; turns < 3; ++turns) {
      const std::uint64_t before = session.round_trips();
      for (std::size_t i = 0; i < commands; ++i) {
        p.send(operation, wire::encoded(thing{std::to_string(++made_)}));
      }
      p.run();
      trips = session.round_trips() - before;
    }
    BOOST_TEST(p.replies.size() == made_);
    for (const auto& [id, reply] : p.replies) {
      BOOST_REQUIRE((reply.status == wire::status::ok));
    }
    return trips;
  }

private:
  std::size_t made_ = 0;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_worker_round_trips,
    trips_fixture,
    *utf::label("integration") * utf::timeout(120) * utf::precondition(on_postgres))

BOOST_AUTO_TEST_CASE(commands_that_only_write_share_three_round_trips) {
  BOOST_TEST(trips_of(256, "announce") <= 3U);
}

BOOST_AUTO_TEST_CASE(a_read_that_is_looked_at_costs_one_more) {
  BOOST_TEST(trips_of(32, "put") <= 3U + 32U);
}

// A commit that was cancelled while it waited for its standby is seen by others, and a failover
// loses it: whoever tells of it commits something, which waits for the standby, and it with that.
BOOST_AUTO_TEST_CASE(a_turn_that_only_tells_what_others_stored_waits_for_standbys_too) {
  const uuid id = p.fresh_id();
  BOOST_REQUIRE((p.call(id, "put", thing{"a"}).status == wire::status::ok));
  const std::int64_t before = p.number("SELECT CAST(CAST(xmin AS TEXT) AS BIGINT) FROM writers");

  BOOST_TEST((p.call(id, "put", thing{"a"}).status == wire::status::ok));

  BOOST_TEST(p.number("SELECT CAST(CAST(xmin AS TEXT) AS BIGINT) FROM writers") > before);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
