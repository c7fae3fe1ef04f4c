#include "runtime/actor/registry.hpp"
#include "tests/saga/driver.hpp"
#include "tests/worker/process_fixture.hpp"

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

/// Sagas in the turns of a worker, of which one runs at once and one may wait.
struct saga_turns_fixture {
  saga_turns_fixture() {
    saga::definition narrow = saga::test::order_saga();
    narrow.at_once = 1;
    narrow.queue = 1;
    one =
        std::make_unique<process>(time, "n1", saga_type("sagas", {narrow}), things_options(folder));
    one->start();
    one->run();
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

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
