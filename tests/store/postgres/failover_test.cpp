#include "runtime/store/postgres/database.hpp"
#include "tests/store/postgres/postgres_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace utf = boost::unit_test;

namespace troupe::store {

namespace {

/// A primary that waits for its standby, and a session that knows of both.
struct two_servers {
  private_server primary;
  std::unique_ptr<private_server> standby = private_server::standby_of(primary);
  postgres_options options{.capability = "orders"};
  std::unique_ptr<database> session;

  two_servers() {
    options.patience = std::chrono::milliseconds{1'000};
    primary.run("ALTER SYSTEM SET synchronous_standby_names = '*'");
    primary.reload();
    session = open(primary.url_with(*standby));
    session->script("CREATE TABLE items (id INTEGER PRIMARY KEY)");
    add(1);
  }

  std::unique_ptr<database> open(const std::string& url) {
    auto opened = open_postgres(url, "orders", options);
    BOOST_REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().message));
    return std::move(*opened);
  }

  void add(int id) {
    session->begin();
    session->execute("INSERT INTO items VALUES ($1)", id);
    session->commit();
  }

  /// Reconnects, and commits: what this writer does before it goes on.
  void come_back() {
    for (int tries = 0;; ++tries) {
      try {
        session->reconnect();
        session->begin();
        session->execute("CREATE TABLE IF NOT EXISTS barriers (id INTEGER PRIMARY KEY)");
        session->execute("INSERT INTO barriers SELECT COUNT(*) FROM barriers");
        return session->commit();
      } catch (const database_error& why) {
        BOOST_REQUIRE_MESSAGE(tries < 20, why.what());
        session->rollback();
      }
    }
  }

  std::int64_t items(const private_server& at) {
    postgres_options reading = options;
    reading.read_only = true;
    auto opened = open_postgres(at.url(), "orders", reading);
    BOOST_REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().message));
    return (*opened)->integer_of("SELECT COUNT(*) FROM items").value();
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(
    runtime_store_postgres_failover,
    *utf::label("integration") * utf::timeout(300) * utf::precondition(has_postgres))

BOOST_FIXTURE_TEST_CASE(a_session_follows_from_a_frozen_primary_to_the_promoted_one, two_servers) {
  primary.freeze();
  standby->run("ALTER SYSTEM SET synchronous_standby_names = ''");
  standby->promote();
  BOOST_TEST(fault_of_call([&] { add(2); }) != database_fault::other);
  primary.wake();

  come_back();
  add(3);

  BOOST_TEST(items(*standby) == 2); // The first, and the third.
}

// Both take writes; the older one confirms none. Whoever began with it each time would not get on.
BOOST_FIXTURE_TEST_CASE(of_two_primaries_the_one_that_confirms_is_found, two_servers) {
  standby->run("ALTER SYSTEM SET synchronous_standby_names = ''");
  standby->promote();
  BOOST_TEST(fault_of_call([&] { add(2); }) == database_fault::unknown);

  come_back();
  add(3);

  BOOST_TEST(items(*standby) == 2);
  BOOST_TEST(items(primary) == 1); // It waits there for good.
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::store
