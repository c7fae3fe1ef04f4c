#include "runtime/actor/registry.hpp"
#include "runtime/store/turn/inbox.hpp"
#include "tests/saga/driver.hpp"
#include "tests/worker/process_fixture.hpp"

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

/// Sagas in the turns of a worker, of which one runs at once and one may wait.
struct saga_turns_fixture {
  saga_turns_fixture() : one{make()} {}

  std::unique_ptr<process> make() {
    saga::definition narrow = saga::test::order_saga();
    narrow.at_once = 1;
    narrow.queue = 1;
    auto made =
        std::make_unique<process>(time, "n1", saga_type("sagas", {narrow}), things_options(folder));
    made->start();
    made->run();
    return made;
  }

  uuid begin() {
    const uuid id = one->send("place", "input");
    one->run();
    return id;
  }

  const group_counters& counters() { return one->front->counters(); }

  temporary_folder folder;
  manual_clock time;
  std::unique_ptr<process> one;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_worker_saga_turns, saga_turns_fixture, *utf::label("integration") * utf::timeout(60))

BOOST_AUTO_TEST_CASE(a_saga_that_finds_the_queue_full_is_refused_and_counted) {
  begin();
  BOOST_TEST(counters().sagas_queued.load() == 0U);
  begin();
  BOOST_TEST(counters().sagas_queued.load() == 1U);
  BOOST_TEST(counters().sagas_full.load());

  const uuid late = begin();

  const got& answer = one->replies[late];
  BOOST_TEST(answer.status == wire::status::error);
  BOOST_TEST(answer.why.code == errc::overloaded);
  BOOST_TEST(answer.why.retry_after.has_value());
  BOOST_TEST(counters().sagas_refused.load() == 1U);
  // No answer for good: it may be asked for again under its id.
  BOOST_TEST(one->number("SELECT COUNT(*) FROM inbox") == 2);
}

// To undo a saga, rows of the inbox are inserted that belong to messages before.
BOOST_AUTO_TEST_CASE(a_message_before_a_refused_undo_keeps_its_row_in_the_inbox) {
  saga::definition place = saga::test::order_saga();
  place.steps.resize(2);
  place.undo = "unplace";
  saga::definition rent = place;
  rent.operation = "rent";
  rent.undo = "unrent";
  one = std::make_unique<process>(
      time, "n1", saga_type("sagas", {place, rent}), things_options(folder));
  one->start();
  const uuid placed = begin();

  const uuid rented = one->send("rent", "input");
  const uuid undo = one->send("unrent", wire::encoded(saga::undo_saga{placed}));
  one->run();

  BOOST_TEST(one->replies[undo].why.detail("reason") == "no_saga");
  const auto row = store::inbox{*one->store->database}.find(rented);
  BOOST_REQUIRE(row.has_value());
  BOOST_TEST((row->state == store::inbox_state::pending));
}

BOOST_AUTO_TEST_CASE(the_undo_of_a_saga_older_than_those_that_are_kept_is_refused) {
  const uuid old = uuid_source{9}.next(time.wall());
  time.advance(std::chrono::hours{24 * 91});
  const uuid young = uuid_source{9}.next(time.wall());
  temporary_folder other;
  saga::definition place = saga::test::order_saga();
  place.steps.resize(2);
  place.undo = "unplace";
  one = std::make_unique<process>(time, "n1", saga_type("sagas", {place}), things_options(other));
  one->start();

  const got refused = one->call("unplace", saga::undo_saga{old});
  const got done = one->call("unplace", saga::undo_saga{young});

  BOOST_TEST(refused.why.detail("reason") == "forgotten");
  BOOST_TEST((done.status == wire::status::ok));
}

// Its heir has run for all that time, so that its settled time says the same as the wall clock.
BOOST_AUTO_TEST_CASE(a_saga_whose_time_is_up_by_both_clocks_is_undone_as_it_is_taken_over) {
  time.advance(1ms); // Its life is the later one.
  const auto heir = make();
  begin();
  BOOST_REQUIRE(one->calls.size() == 1U);
  one.reset();
  time.advance(10s);

  heir->keep_house({heir->incarnation});
  heir->run();

  BOOST_REQUIRE(heir->calls.size() == 1U);
  BOOST_TEST(heir->calls[0].operation == "release");
}

// It starts with the settled time as it was written last.
BOOST_AUTO_TEST_CASE(a_saga_whose_time_is_up_by_the_wall_clock_alone_is_asked_on_for_a_while) {
  begin();
  one.reset();
  time.advance(10s);
  const auto heir = make();

  heir->keep_house({heir->incarnation});
  heir->run();

  BOOST_REQUIRE(heir->calls.size() == 1U);
  BOOST_TEST(heir->calls[0].operation == "reserve");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
