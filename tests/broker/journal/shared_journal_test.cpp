#include "runtime/broker/events/journal_keeper.hpp"
#include "runtime/store/sqlite/online_copy.hpp"
#include "runtime/wire/journal_calls.hpp"
#include "tests/broker/journal/shared_journal_fixture.hpp"
#include "tests/broker/journal/slow_database.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::broker {

namespace {

using namespace std::chrono_literals;

struct two_writers : shared_journal_fixture {
  journal_options other = of_broker("b2");
  journal_state of_other;
  std::unique_ptr<journal_writer> second;

  two_writers() {
    auto first = take(options, found);
    BOOST_REQUIRE_MESSAGE(first, (first ? "" : first.error().message));
    journal = std::move(*first);
  }

  void take_over() {
    pass(5s);
    auto opened = take(other, of_other);
    BOOST_REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().message));
    second = std::move(*opened);
  }

  std::int64_t rows(const std::string& table) {
    return aside->integer_of("SELECT count(*) FROM " + table).value_or(-1);
  }
};

/// A broker's keeper, stepped by the test, and what it has told.
struct kept {
  shared_journal_fixture& of;
  journal_options options;
  std::unique_ptr<journal> held;
  journal_news said;
  int taken = 0;
  std::optional<journal_keeper> keeper;

  kept(shared_journal_fixture& in, const std::string& name) : of{in}, options{in.of_broker(name)} {
    const auto open = [this](const lease_seen& seen) -> outcome<opened_journal> {
      options.shared->seen = seen;
      opened_journal made;
      TROUPE_TRY(
          made.events.kept,
          journal::open(
              options, of.time, [] {}, made.state));
      return made;
    };
    keeper.emplace(journal_keeper::options{*options.shared, open, [] {}}, of.time);
  }

  void step() {
    keeper->beat(of.time.now());
    keeper->step();
    hear();
  }

  void hear() {
    if (!keeper->has_news()) {
      return;
    }
    said = keeper->take_news();
    if (!said.given_up.empty() && held) {
      keeper->give_back(std::move(held));
    }
    if (said.opened) {
      held = std::move(said.opened->events.kept);
      ++taken;
    }
  }
};

struct two_keepers : shared_journal_fixture {
  kept one{*this, "b1"};
  kept two{*this, "b2"};
};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_broker_journal_shared, *utf::label("integration") * utf::timeout(60))

BOOST_FIXTURE_TEST_CASE(a_journal_that_was_taken_over_is_written_by_nobody_else, two_writers) {
  must_write({.events = {make("order.made"), make("order.made")}});
  BOOST_TEST(found.generation == 1);

  take_over();
  const auto late = write({.events = {make("order.made")}, .dropped = {ids.next(time.wall())}});

  BOOST_REQUIRE(!late);
  BOOST_TEST((late.error().code == errc::unavailable));
  BOOST_TEST((late.error().possible == effect::unknown));
  BOOST_TEST(late.error().detail("reason") == wire::journal_elsewhere);
  BOOST_TEST(late.error().retry_after.has_value());
  BOOST_TEST(journal->is_lost());
  BOOST_TEST(!second->is_lost());
  BOOST_TEST(rows("events") == 2);
  BOOST_TEST(of_other.generation == 2);
  BOOST_TEST(of_other.last == 2);
  BOOST_TEST(!write({.events = {make("order.made")}}).has_value()); // Nor any time later.
}

BOOST_FIXTURE_TEST_CASE(what_the_first_wrote_and_did_not_confirm_the_next_one_knows, two_writers) {
  const auto event = make("order.made");
  must_write({
      .events = {event},
      .sources = {{.capability = "orders", .instance = ids.next(time.wall()), .taken = 7}},
  });

  take_over();

  BOOST_REQUIRE(of_other.recent.size() == 1);
  BOOST_TEST((of_other.recent[0].id == event->id));
  BOOST_TEST(of_other.recent[0].position == 1);
  BOOST_REQUIRE(of_other.sources.size() == 1);
  BOOST_TEST(of_other.sources[0].taken == 7);
  last = 1;
  BOOST_TEST(second->write({.events = {make("order.made")}}).has_value());
  BOOST_TEST(second->last() == 2);
  // Each life of the journal says which positions it wrote.
  BOOST_TEST(of_other.lives.agrees_with(found.lives, 1));
}

BOOST_FIXTURE_TEST_CASE(who_lost_the_journal_deletes_nothing, two_writers) {
  fill("order.made", 50);
  take_over();

  journal->begin_sweep({.rules = {{.pattern = "*", .keep = 1ms}}, .now = now + 1'000});

  BOOST_TEST(!journal->sweep().has_value());
  BOOST_TEST(journal->is_lost());
  BOOST_TEST(rows("events") == 50);
}

// Two servers may pass for the primary while one is being promoted.
BOOST_FIXTURE_TEST_CASE(a_reader_that_reaches_an_older_server_is_not_used, two_writers) {
  const auto copy = folder.file("data/older.db");
  BOOST_REQUIRE(store::online_copy::open(folder.file("data/journal.db"))->write(copy));
  pass(5s);
  other.shared->seen = look();
  int sessions = 0;
  const auto connect = other.shared->connect;
  other.shared->connect = [&] {
    return ++sessions == 1
               ? connect()
               : store::open_sqlite(copy, {.capability = std::string{journal_component}});
  };

  const auto opened = journal::open(
      other, time, [] {}, of_other);

  BOOST_REQUIRE(!opened);
  BOOST_TEST((opened.error().code == errc::unavailable));
  BOOST_TEST(opened.error().message.find("another server answers") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(of_two_that_saw_it_free_one_takes_it, two_writers) {
  pass(5s);
  other.shared->seen = options.shared->seen = look();

  const auto faster = journal_writer::open(other, time, of_other);
  journal_state of_slower;
  const auto slower = journal_writer::open(options, time, of_slower);

  BOOST_TEST(faster.has_value());
  BOOST_REQUIRE(!slower);
  BOOST_TEST((slower.error().code == errc::conflict));
  BOOST_TEST(look().generation == 2);
  BOOST_TEST(look().owner_name == "b2");
}

BOOST_FIXTURE_TEST_CASE(each_batch_puts_the_end_of_the_lease_off, two_writers) {
  must_write({.events = {make("order.made")}});
  pass(3s);
  BOOST_TEST(look().left.count() == 1'000);

  must_write({.events = {make("order.made")}});

  BOOST_TEST(look().left.count() == 4'000);
}

BOOST_FIXTURE_TEST_CASE(
    one_of_two_brokers_has_the_journal_and_keeps_it_while_it_is_idle, two_keepers) {
  for (int i = 0; i < 60; ++i) {
    one.step();
    two.step();
    pass(200ms);
  }

  BOOST_TEST(one.taken == 1);
  BOOST_TEST(two.taken == 0);
  BOOST_TEST(two.said.seen.owner_name == "b1");
  BOOST_TEST(two.said.seen.owner_at == "tcp://b1");
  BOOST_TEST(two.said.seen.generation == 1);
}

BOOST_FIXTURE_TEST_CASE(
    one_that_stands_still_loses_it_and_gives_it_back_when_it_wakes, two_keepers) {
  one.step();
  pass(3'900ms);
  two.step();
  BOOST_TEST(two.taken == 0);

  pass(200ms);
  two.step();
  BOOST_TEST(two.taken == 1);
  BOOST_TEST(look().generation == 2);
  one.step();

  BOOST_TEST(one.held == nullptr);
  BOOST_TEST(one.said.given_up.find("b2") != std::string::npos);
  for (int i = 0; i < 30; ++i) {
    pass(200ms);
    one.step();
    two.step();
  }
  BOOST_TEST(one.taken == 1);
  BOOST_TEST(look().generation == 2);
}

BOOST_FIXTURE_TEST_CASE(a_loop_that_stands_still_does_not_keep_the_lease, two_keepers) {
  one.step();
  for (int i = 0; i < 25; ++i) {
    pass(200ms);
    one.keeper->step(); // Its thread goes on, the loop does not.
    two.step();
  }

  BOOST_TEST(two.taken == 1);
}

BOOST_FIXTURE_TEST_CASE(a_process_that_died_is_followed_at_once, two_keepers) {
  one.step();
  one.held.reset();
  set_attended(false); // So the database says.

  two.step();

  BOOST_TEST(two.taken == 1);
  BOOST_TEST(look().owner_name == "b2");
}

// A server with a cold cache, after a failover: nobody would ever have the journal.
BOOST_FIXTURE_TEST_CASE(one_that_opens_it_slowly_keeps_it, two_keepers) {
  bool is_slow = false;
  int statements = 0;
  const auto passes = [&](const store::database& session) {
    if (is_slow && !session.in_transaction() && look().generation != 0) { // It was taken.
      ++statements;
      pass(3s);
      two.step();
    }
  };
  const auto connect = one.options.shared->connect;
  one.options.shared->connect = [&]() -> outcome<std::unique_ptr<store::database>> {
    return connect().map([&](std::unique_ptr<store::database> session) {
      return std::unique_ptr<store::database>{
          std::make_unique<store::slow_database>(std::move(session), passes)};
    });
  };

  is_slow = true;
  one.step();
  is_slow = false;

  BOOST_TEST(statements > 8);
  BOOST_TEST(one.taken == 1);
  BOOST_TEST(two.taken == 0);
  BOOST_TEST(look().generation == 1);
  BOOST_TEST(look().left.count() == 4'000); // It is open, and has the usual lease.
  for (int i = 0; i < 30; ++i) {
    pass(200ms);
    one.step();
    two.step();
  }
  BOOST_TEST(look().generation == 1);
  one.held.reset(); // Its sessions refer to what is here.
}

// It was stopped while it opened the journal: its session is there, and nothing comes from it.
BOOST_FIXTURE_TEST_CASE(one_that_stands_still_while_it_opens_it_is_followed, two_keepers) {
  bool is_stopped = false;
  const auto connect = one.options.shared->connect;
  one.options.shared->connect = [&]() -> outcome<std::unique_ptr<store::database>> {
    return connect().map([&](std::unique_ptr<store::database> session) {
      return std::unique_ptr<store::database>{std::make_unique<store::slow_database>(
          std::move(session), [&, at = 0](const store::database& of) mutable {
            if (++at == 5 && !std::exchange(is_stopped, true) && !of.in_transaction()) {
              pass(14s);
              two.step();
              BOOST_TEST(two.taken == 0);
              pass(2s);
              two.step();
            }
          })};
    });
  };

  one.step();

  BOOST_TEST(is_stopped);
  BOOST_TEST(two.taken == 1);
  BOOST_TEST(one.taken == 0);
  BOOST_TEST(look().owner_name == "b2");
}

BOOST_FIXTURE_TEST_CASE(one_that_is_drained_gives_it_back_and_takes_no_other, two_keepers) {
  one.step();
  one.keeper->retire();
  one.keeper->give_back(std::move(one.held));
  one.step();
  BOOST_TEST(one.taken == 1);
  set_attended(false);

  two.step();

  BOOST_TEST(two.taken == 1);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
