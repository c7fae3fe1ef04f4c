#include "runtime/store/postgres/session.hpp"

#include "tests/store/postgres/session_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <arpa/inet.h>
#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace utf = boost::unit_test;

namespace troupe::store {

BOOST_AUTO_TEST_SUITE(
    runtime_store_postgres_session,
    *utf::label("integration") * utf::timeout(300) * utf::precondition(has_postgres))

BOOST_FIXTURE_TEST_CASE(no_integer_is_read_from_a_text, session_fixture) {
  insert(1);

  BOOST_CHECK_THROW(
      session->ask("SELECT name FROM items", {}, [](const row& found) { (void)found.integer(0); }),
      database_error);

  BOOST_TEST(session->integer_of("SELECT id FROM items").value() == 1);
}

BOOST_FIXTURE_TEST_CASE(
    counts_of_statements_that_are_under_way_cost_one_round_trip, session_fixture) {
  insert(1);
  insert(2);

  session->begin();
  const affected first = session->execute("UPDATE items SET name = name || $1", "?");
  const affected second = session->execute("DELETE FROM items WHERE id = 1");
  BOOST_TEST(trips([&] { BOOST_TEST(second == 1); }) == 1U);
  BOOST_TEST(trips([&] { BOOST_TEST(first == 2); }) == 0U);
  session->commit();
}

BOOST_FIXTURE_TEST_CASE(what_belongs_to_the_session_is_refused_to_statements, session_fixture) {
  for (const auto* sql : {"SET synchronous_commit = off", "COPY items TO STDOUT"}) {
    BOOST_TEST(fault_of_call([&] { session->execute(sql); }) == database_fault::schema);
    BOOST_TEST(fault_of_call([&] { session->script(sql); }) == database_fault::schema);
  }
  BOOST_TEST(
      fault_of_call([&] { session->execute("INSERT INTO items VALUES ($1, $1)", "x"); })
      == database_fault::schema);
}

BOOST_FIXTURE_TEST_CASE(sums_are_integers_however_large, session_fixture) {
  for (const std::int64_t number :
       {std::int64_t{0},
        std::int64_t{1},
        std::int64_t{-12'345'678},
        std::int64_t{4'000'000'000'000'000}}) {
    BOOST_TEST(
        session->integer_of("SELECT SUM(n) FROM (VALUES ($1::bigint)) AS of (n)", number).value()
        == number);
  }
  BOOST_TEST(
      session
          ->integer_of(
              "SELECT SUM(n) FROM (VALUES ($1::bigint)) AS of (n)",
              std::numeric_limits<std::int64_t>::min() + 1)
          .value()
      == std::numeric_limits<std::int64_t>::min() + 1);
}

BOOST_FIXTURE_TEST_CASE(
    text_that_postgres_does_not_take_is_refused_before_it_is_sent, session_fixture) {
  session->begin();
  for (const std::string& text :
       {std::string{"a\0b", 3},
        std::string{"\xff"},
        std::string{"\xed\xa0\x80"},
        std::string{"\xc0\x80"}}) {
    BOOST_TEST(
        fault_of_call([&] { session->execute("INSERT INTO items VALUES (1, $1)", text); })
        == database_fault::constraint);
  }
  insert(1); // The transaction goes on.
  session->commit();
  BOOST_TEST(items() == 1);
}

BOOST_FIXTURE_TEST_CASE(an_error_undoes_all_but_what_a_savepoint_keeps, session_fixture) {
  session->begin();
  insert(1);
  for (const auto& wrong : std::vector<std::function<void()>>{
           [&] { insert(1); },
           [&] { session->execute("INSERT INTO items VALUES (2, $1)", null_value{}); },
           [&] { session->execute("INSERT INTO parts VALUES (1, 99)"); }}) {
    session->savepoint();
    BOOST_TEST(
        fault_of_call([&] {
          wrong();
          session->await();
        })
        == database_fault::constraint);
    BOOST_TEST(
        fault_of_call([&] {
          insert(7);
          session->await();
        })
        == database_fault::constraint);
    session->rollback_to_savepoint();
  }
  session->commit();
  BOOST_TEST(items() == 1);

  session->begin();
  insert(2);
  insert(2);
  BOOST_TEST(fault_of_call([&] { session->commit(); }) == database_fault::constraint);
  BOOST_TEST(!session->in_transaction());
  BOOST_TEST(items() == 1);
}

BOOST_FIXTURE_TEST_CASE(writes_cost_two_round_trips_however_many_they_are, session_fixture) {
  insert(0);
  BOOST_TEST(items() == 1); // Both are prepared by now.
  const auto turn = [&](std::int64_t from, std::int64_t to) {
    session->begin();
    BOOST_TEST(items() != 0);
    for (std::int64_t id = from; id < to; ++id) {
      insert(id);
    }
    session->commit();
  };

  BOOST_TEST(trips([&] { turn(1, 2); }) == 2U);
  BOOST_TEST(trips([&] { turn(2, 2'000); }) == 2U);
  BOOST_TEST(items() == 2'000);
}

// Both sides send more than all buffers between them hold: whoever only writes waits forever.
BOOST_FIXTURE_TEST_CASE(answers_larger_than_every_buffer_do_not_stop_the_writing, session_fixture) {
  const std::string large(1'000'000, 'x');
  std::size_t seen = 0;
  session->begin();
  for (int i = 0; i < 40; ++i) {
    const std::array<value, 1> parameters{std::string_view{large}};
    session->ask(
        "SELECT $1 || $1", parameters, [&](const row& found) { seen += found.text(0).size(); });
  }
  session->await();
  session->commit();
  BOOST_TEST(seen == 80'000'000U);
}

// As while one release replaces another: its migration changes what this one has prepared.
BOOST_FIXTURE_TEST_CASE(tables_that_another_process_changes_cost_one_error, session_fixture) {
  insert(1);
  BOOST_TEST(session->execute("SELECT * FROM items") == 0);
  open()->script("ALTER TABLE items ADD COLUMN price INTEGER");

  BOOST_TEST(
      fault_of_call([&] { session->execute("SELECT * FROM items"); }) == database_fault::schema);
  BOOST_CHECK_NO_THROW(session->execute("SELECT * FROM items"));
  session->begin();
  BOOST_CHECK_NO_THROW(session->execute("SELECT * FROM items"));
  session->commit();
}

BOOST_FIXTURE_TEST_CASE(one_writer_at_a_time_and_waiting_is_bounded, session_fixture) {
  options.lock_patience = std::chrono::milliseconds{20};
  const auto other = open();
  session->begin();
  insert(1);
  session->await();

  other->begin();
  BOOST_TEST(fault_of_call([&] { other->await(); }) == database_fault::busy);
  other->rollback();
  session->commit();
  other->begin();
  BOOST_TEST(other->integer_of("SELECT count(*) FROM items").value() == 1);
  other->commit();
}

// Every wait for the lock ends before the statements begin that read: they see what the other
// wrote.
BOOST_FIXTURE_TEST_CASE(what_the_one_before_committed_is_seen, session_fixture) {
  const auto other = open();
  for (std::int64_t id = 1; id < 200; ++id) {
    database& writer = id % 2 == 0 ? static_cast<database&>(*other) : *session;
    writer.begin();
    BOOST_TEST(writer.integer_of("SELECT COALESCE(MAX(id), 0) FROM items").value() == id - 1);
    writer.execute("INSERT INTO items VALUES ($1, $2)", id, std::to_string(id));
    writer.commit();
  }
}

BOOST_FIXTURE_TEST_CASE(a_connection_lost_before_the_commit_loses_the_turn, session_fixture) {
  const std::int64_t backend = backend_of(*session);
  session->begin();
  insert(1);
  session->await();
  terminate(backend);

  BOOST_TEST(fault_of_call([&] { items(); }) == database_fault::away);
  BOOST_TEST(session->is_lost());
  session->rollback();
  BOOST_TEST(fault_of_call([&] { session->begin(); }) == database_fault::away);

  session->reconnect();
  BOOST_TEST(items() == 0);
  BOOST_CHECK_NO_THROW(insert(1));
}

// libpq writes to the server by itself once 8 KiB wait, and finds out there and then.
BOOST_FIXTURE_TEST_CASE(a_connection_lost_while_statements_are_sent_is_lost, session_fixture) {
  const std::string large(std::size_t{40} * 1024, 'x');
  session->execute("UPDATE items SET name = $1 WHERE id = 1", large); // Prepared by now.
  const std::int64_t backend = backend_of(*session);
  session->begin();
  terminate(backend);

  const auto found = fault_of_call([&] {
    for (int i = 0; i < 100; ++i) {
      session->execute("UPDATE items SET name = $1 WHERE id = 1", large);
    }
  });

  BOOST_TEST(found == database_fault::away);
  BOOST_TEST(session->is_lost());
  session->rollback();
  session->reconnect();
  BOOST_TEST(items() == 0);
}

BOOST_FIXTURE_TEST_CASE(a_commit_that_nobody_answers_is_unknown, session_fixture) {
  const std::int64_t backend = backend_of(*session);
  session->begin();
  insert(1);
  session->await();
  terminate(backend);

  BOOST_TEST(fault_of_call([&] { session->commit(); }) == database_fault::unknown);
  BOOST_TEST(!session->in_transaction());
  BOOST_TEST(session->is_lost());
}

namespace {

/// A port of this machine that nobody has.
struct free_port {
  std::string number;

  free_port() {
    const int probe = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    BOOST_REQUIRE(bind(probe, reinterpret_cast<sockaddr*>(&at), size) == 0);
    BOOST_REQUIRE(getsockname(probe, reinterpret_cast<sockaddr*>(&at), &size) == 0);
    number = std::to_string(ntohs(at.sin_port));
    close(probe);
  }
};

/// A server that waits for a standby which never comes.
struct lonely_fixture {
  private_server server;
  postgres_options options{.capability = "orders"};
  std::unique_ptr<database> session;
  std::unique_ptr<database> watcher;

  lonely_fixture() {
    options.patience = std::chrono::milliseconds{3'000};
    session = open();
    session->script("CREATE TABLE items (id INTEGER PRIMARY KEY)");
    server.stop();
    server.start({{"synchronous_standby_names", "nobody"}, {"synchronous_commit", "local"}});
    BOOST_CHECK_THROW(session->integer_of("SELECT 1"), database_error);
    session->reconnect();
    postgres_options reading;
    reading.read_only = true;
    auto opened = open_postgres(server.url(), "orders", reading);
    BOOST_REQUIRE(opened);
    watcher = std::move(*opened);
  }

  std::unique_ptr<database> open() {
    auto opened = open_postgres(server.url(), "orders", options);
    BOOST_REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().message));
    return std::move(*opened);
  }

  /// Commits a row; `meanwhile` gets the backend while its commit waits for the standby.
  template <class Act>
  database_fault commit(Act meanwhile) {
    const std::int64_t backend = session->integer_of("SELECT pg_backend_pid()").value();
    session->begin();
    session->execute("INSERT INTO items VALUES (1)");
    const std::jthread other{[&] {
      while (watcher->text_of("SELECT wait_event FROM pg_stat_activity WHERE pid = $1", backend)
             != "SyncRep") {
      }
      meanwhile(backend);
    }};
    return fault_of_call([&] { session->commit(); });
  }

  /// A commit that waited for nobody is seen all the same.
  bool is_visible() { return watcher->integer_of("SELECT COUNT(*) FROM items") == 1; }
};

} // namespace

// Whoever sets the role up decides what warnings are sent, unless the session does.
BOOST_FIXTURE_TEST_CASE(a_role_that_wants_no_warnings_is_warned_all_the_same, lonely_fixture) {
  server.run("ALTER ROLE postgres SET client_min_messages = error");
  session = open();
  const auto cancel = [this](std::int64_t backend) {
    watcher->integer_of("SELECT pg_cancel_backend($1)", backend);
  };

  BOOST_TEST(commit(cancel) == database_fault::unknown);
}

// The server reports success, and says in a warning that no standby has it.
BOOST_FIXTURE_TEST_CASE(a_commit_that_was_cancelled_while_it_waited_is_unknown, lonely_fixture) {
  const auto cancel = [this](std::int64_t backend) {
    watcher->integer_of("SELECT pg_cancel_backend($1)", backend);
  };

  BOOST_TEST(commit(cancel) == database_fault::unknown);
  BOOST_TEST(session->is_lost());
  BOOST_TEST(is_visible());
}

BOOST_FIXTURE_TEST_CASE(a_commit_that_was_ended_while_it_waited_is_unknown, lonely_fixture) {
  const auto end = [this](std::int64_t backend) {
    watcher->integer_of("SELECT pg_terminate_backend($1)", backend);
  };

  BOOST_TEST(commit(end) == database_fault::unknown);
  BOOST_TEST(is_visible());
}

BOOST_FIXTURE_TEST_CASE(a_commit_that_waits_too_long_is_unknown, lonely_fixture) {
  BOOST_TEST(commit([](std::int64_t) {}) == database_fault::unknown);
  BOOST_TEST(!is_visible()); // Its locks are held, too, until somebody ends it.
}

// It may be on its way to a standby: whoever ended it would make others see what may yet be lost.
// But the standby may be the primary by now, so that whoever waits looks for another server.
BOOST_FIXTURE_TEST_CASE(nobody_ends_a_commit_that_waits_for_its_standby, lonely_fixture) {
  options.idle_limit = std::chrono::milliseconds{1'000};
  options.lock_patience = std::chrono::milliseconds{300};
  const auto other = open();

  commit([&](std::int64_t backend) {
    for (int tries = 0; tries < 20 && !other->is_lost(); ++tries) {
      const auto met = fault_of_call([&] {
        other->begin();
        other->await();
      });
      BOOST_TEST(met == (other->is_lost() ? database_fault::away : database_fault::busy));
      other->rollback();
    }
    BOOST_TEST(other->is_lost());
    BOOST_TEST(
        watcher->text_of("SELECT wait_event FROM pg_stat_activity WHERE pid = $1", backend).value()
        == "SyncRep");
  });
  BOOST_TEST(!is_visible());
}

// The one who waited must not go by what there was before: REPEATABLE READ would.
BOOST_FIXTURE_TEST_CASE(whoever_waited_for_the_lock_sees_what_its_holder_wrote, session_fixture) {
  options.lock_patience = std::chrono::milliseconds{30'000};
  const auto other = open();
  const auto watcher = open();
  const std::int64_t waiting = backend_of(*other);
  session->begin();
  insert(1);
  session->await();

  std::int64_t seen = 0;
  std::jthread waiter{[&] {
    other->begin();
    seen = other->integer_of("SELECT COUNT(*) FROM items").value();
    other->commit();
  }};
  while (watcher->text_of("SELECT wait_event_type FROM pg_stat_activity WHERE pid = $1", waiting)
         != "Lock") {
  }
  session->commit();
  waiter.join();

  BOOST_TEST(seen == 1);
}

// A server that does not answer in time is lost, and what was sent to it is tried again; a
// statement that takes too long would be tried again and again.
BOOST_FIXTURE_TEST_CASE(
    a_slow_statement_is_told_from_a_server_that_does_not_answer, session_fixture) {
  options.patience = std::chrono::milliseconds{1'000};
  const auto other = open();
  other->begin();

  BOOST_TEST(
      fault_of_call([&] { other->integer_of("SELECT 1 FROM pg_sleep(30)"); })
      == database_fault::too_long);
  BOOST_TEST(!other->is_lost());
  other->rollback();
  BOOST_TEST(other->integer_of("SELECT 2").value() == 2);
}

BOOST_FIXTURE_TEST_CASE(what_a_reader_throws_does_not_pass_for_a_failed_commit, session_fixture) {
  session->begin();
  insert(1);
  session->ask("SELECT id FROM items", {}, [](const row& row) { (void)row.text(0); });

  BOOST_TEST(fault_of_call([&] { session->commit(); }) == database_fault::schema);
  BOOST_TEST(items() == 0); // As it says, nothing was committed.
}

BOOST_AUTO_TEST_CASE(a_host_that_vanishes_is_missed_by_the_server) {
  const free_port port;
  private_server own{{{"listen_addresses", "127.0.0.1"}, {"port", port.number}}};
  const auto opened = open_postgres(
      "postgresql://postgres@127.0.0.1:" + port.number + "/postgres",
      "orders",
      {.capability = "orders"});
  BOOST_REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().message));

  const auto setting = [&](const std::string& name) {
    return (*opened)->text_of("SELECT current_setting($1)", name).value_or("");
  };
  BOOST_TEST(setting("tcp_keepalives_idle") == "5");
  BOOST_TEST(setting("tcp_keepalives_interval") == "2");
  BOOST_TEST(setting("tcp_keepalives_count") == "3");
  BOOST_TEST(setting("tcp_user_timeout") == "11000");
}

BOOST_FIXTURE_TEST_CASE(a_server_that_does_not_answer_is_given_up, session_fixture) {
  private_server own;
  options.patience = std::chrono::milliseconds{1'000};
  auto opened = open_postgres(own.url(), "orders", options);
  BOOST_REQUIRE(opened);
  (*opened)->begin();
  (*opened)->await();
  own.freeze();

  BOOST_TEST(fault_of_call([&] { (*opened)->commit(); }) == database_fault::unknown);
  own.wake();
}

BOOST_FIXTURE_TEST_CASE(a_transaction_that_stands_still_loses_its_lock, session_fixture) {
  options.idle_limit = std::chrono::milliseconds{1'000};
  const auto stopped = open();
  options.lock_patience = std::chrono::milliseconds{30'000};
  const auto other = open();
  stopped->begin();
  stopped->await();

  other->begin();
  BOOST_CHECK_NO_THROW(other->await());
  other->commit();
  BOOST_TEST(
      fault_of_call([&] {
        stopped->await();
        stopped->commit();
      })
      != database_fault::other);
}

namespace {

/// Sends a statement without the end of a pipeline, as a process does that is stopped while it
/// sends, and takes no answer.
void stop_in_the_middle(postgres_session& holder, const char* sql) {
  auto* const handle = const_cast<PGconn*>(holder.handle());
  BOOST_REQUIRE(PQsendQueryParams(handle, sql, 0, nullptr, nullptr, nullptr, nullptr, 1) == 1);
  BOOST_REQUIRE(PQsendFlushRequest(handle) == 1);
  BOOST_REQUIRE(PQflush(handle) == 0);
}

} // namespace

// idle_in_transaction_session_timeout does not count while the server waits for the rest of a
// pipeline, and nothing does while it waits for somebody to take its answer.
BOOST_FIXTURE_TEST_CASE(
    who_stands_still_while_it_sends_or_receives_loses_its_lock, session_fixture) {
  options.idle_limit = std::chrono::milliseconds{1'000};
  for (const char* const sql : {"SELECT 1", "SELECT repeat('x', 50000000)"}) {
    const auto stopped = open();
    options.lock_patience = std::chrono::milliseconds{200};
    const auto other = open();
    stopped->begin();
    stopped->await();
    stop_in_the_middle(*stopped, sql);

    bool is_free = false;
    for (int tries = 0; tries < 50 && !is_free; ++tries) {
      other->begin();
      try {
        other->await();
        is_free = true;
      } catch (const database_error& why) {
        BOOST_TEST(why.kind == database_fault::busy);
      }
      other->rollback();
    }

    BOOST_TEST(is_free, sql);
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::store
