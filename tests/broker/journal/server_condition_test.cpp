#include "runtime/broker/journal/lease_table.hpp"
#include "runtime/broker/journal/server_watch.hpp"
#include "runtime/store/postgres/database.hpp"
#include "tests/store/engine.hpp"

#include <boost/test/unit_test.hpp>

#include <memory>
#include <string>
#include <utility>

namespace utf = boost::unit_test;

namespace troupe::broker {

namespace {

using namespace std::chrono_literals;

std::unique_ptr<store::database> open(const std::string& url, store::postgres_options how = {}) {
  how.idle_limit = 600s;
  auto opened = store::open_postgres_whole(url, how);
  BOOST_REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().message));
  return std::move(*opened);
}

/// A session that looks at one moment for as long as it lives.
std::unique_ptr<store::database> look_for_long(const std::string& url, bool is_standby = false) {
  auto session =
      open(url, {.read_only = is_standby, .one_moment = true, .session_name = "a report"});
  session->begin();
  (void)session->integer_of("SELECT count(*) FROM pg_class");
  return session;
}

struct watched_server {
  store::private_server server{
      {{"max_prepared_transactions", "5"}, {"wal_receiver_status_interval", "1"}}};
  std::unique_ptr<store::database> session = open(server.url());

  server_condition of(store::database& by) {
    return lease_table{by, postgresql_lease}.condition().value();
  }

  server_condition now() { return of(*session); }

  void pass_transactions(int count) {
    for (int i = 0; i < count; ++i) {
      server.run("DO $$ BEGIN PERFORM txid_current(); END $$");
    }
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(
    runtime_broker_journal_server_condition,
    *utf::label("integration") * utf::timeout(120) * utf::precondition(store::has_postgres))

BOOST_FIXTURE_TEST_CASE(whoever_keeps_the_oldest_dead_rows_is_named, watched_server) {
  BOOST_TEST(now().holder == "");
  BOOST_TEST(now().transactions == 0);
  BOOST_TEST(now().sees_others);

  server.run("BEGIN; CREATE TABLE t (a INTEGER); PREPARE TRANSACTION 'a7'");
  pass_transactions(3);

  BOOST_TEST(now().holder == "the prepared transaction a7 of postgres");
  BOOST_TEST(now().transactions >= 3);
  const auto report = look_for_long(server.url()); // It is younger.
  BOOST_TEST(now().holder == "the prepared transaction a7 of postgres");
  server.run("ROLLBACK PREPARED 'a7'");
  pass_transactions(2);
  BOOST_TEST(now().holder.find("(a report) of postgres") != std::string::npos, now().holder);
  BOOST_TEST(now().holder.find("the session ") == 0U);
}

// It has no snapshot, and everybody else's goes back to it.
BOOST_FIXTURE_TEST_CASE(a_transaction_that_has_written_and_stands_still_is_named, watched_server) {
  const auto idle = open(server.url(), {.session_name = "a person"});
  idle->begin();
  (void)idle->integer_of("SELECT CAST(txid_current() AS BIGINT)");
  const auto report = look_for_long(server.url());
  pass_transactions(3);

  BOOST_TEST(now().holder.find("(a person) of postgres") != std::string::npos, now().holder);
  BOOST_TEST(now().transactions >= 3);
}

BOOST_FIXTURE_TEST_CASE(
    a_session_of_another_role_is_named_and_its_time_needs_a_right, watched_server) {
  server.run("CREATE ROLE troupe LOGIN");
  const auto plain = open(server.url_of("troupe"));
  const auto report = look_for_long(server.url());
  pass_transactions(2);

  const server_condition unseen = of(*plain);
  BOOST_TEST(unseen.holder.find("(a report) of postgres") != std::string::npos, unseen.holder);
  BOOST_TEST(!unseen.sees_others);
  BOOST_TEST(unseen.oldest.count() == 0);
  server.run("GRANT pg_monitor TO troupe");
  const server_condition seen = of(*plain);
  BOOST_TEST(seen.sees_others);
  BOOST_TEST(seen.holder == unseen.holder);
}

BOOST_FIXTURE_TEST_CASE(a_slot_that_a_standby_has_left_is_named, watched_server) {
  server.run("DO $$ BEGIN PERFORM pg_create_physical_replication_slot('reports'); END $$");
  {
    const auto standby = store::private_server::standby_of(
        server,
        {{"hot_standby_feedback", "on"},
         {"max_prepared_transactions", "5"},
         {"primary_slot_name", "reports"},
         {"wal_receiver_status_interval", "1"}});
    const auto report = look_for_long(standby->url(), true);
    pass_transactions(3);
    while (now().holder.find("the replication slot reports") != 0) { // It is told each second.
      pass_transactions(1);
    }
  }
  pass_transactions(3);

  while (now().holder != "the replication slot reports (nobody reads it)") {
    pass_transactions(1);
  }
  BOOST_TEST(now().transactions >= 3);
}

BOOST_FIXTURE_TEST_CASE(what_is_kept_for_long_is_measured_by_those_who_watch, watched_server) {
  lease_table table{*session, postgresql_lease};
  server_watch watch;
  const instant began{1h};
  server.run("BEGIN; CREATE TABLE t (a INTEGER); PREPARE TRANSACTION 'a7'");
  watch.look(table, began);
  BOOST_TEST(watch.last()->held.count() == 0);
  pass_transactions(2);

  watch.look(table, began + 2h);
  BOOST_TEST((watch.last()->held == 2h));
  server.run("ROLLBACK PREPARED 'a7'");
  watch.look(table, began + 3h);
  BOOST_TEST(watch.last()->held.count() == 0);
  const auto report = look_for_long(server.url());
  watch.look(table, began + 4h);
  BOOST_TEST(watch.last()->held.count() == 0); // Another one.
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
