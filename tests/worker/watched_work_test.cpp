#include "runtime/worker/watched_work.hpp"

#include <boost/test/unit_test.hpp>

#include <optional>

namespace troupe {

using namespace std::chrono_literals;

namespace {

/// A watchdog that looks at one piece of work.
struct watchdog {
  /// Looks `after` the last look.
  instant::duration
  look(std::optional<instant> since, milliseconds after = watched_work::interval) {
    const instant last = now;
    now += after;
    return work.look(since, last, now);
  }

  watched_work work;
  instant now{1h};
};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_worker_watched_work)

BOOST_AUTO_TEST_CASE(work_has_run_since_it_began) {
  watchdog dog;
  const instant since = dog.now + 20ms;

  BOOST_TEST((dog.look(since) == 30ms));
  BOOST_TEST((dog.look(since) == 80ms));
  BOOST_TEST((dog.look(std::nullopt) == 0ms));
  BOOST_TEST((dog.look(dog.now + 10ms) == 40ms));
}

// A worker that was stopped in a turn, and woken, was ended as if its handler hung.
BOOST_AUTO_TEST_CASE(a_standstill_of_the_process_does_not_count) {
  watchdog dog;
  const instant since = dog.now;
  BOOST_TEST((dog.look(since) == 50ms));

  BOOST_TEST((dog.look(since, 1h) == 50ms + watched_work::counted_max));
  BOOST_TEST((dog.look(since) == 100ms + watched_work::counted_max));
}

BOOST_AUTO_TEST_CASE(a_standstill_does_not_count_for_what_had_just_begun) {
  watchdog dog;

  BOOST_TEST((dog.look(dog.now + 1ms, 1h) == watched_work::counted_max));
}

// One of a group's runners hangs; the other's turn had begun earlier, and ends.
BOOST_AUTO_TEST_CASE(what_began_later_keeps_its_own_time) {
  watchdog dog;
  const instant first = dog.now;
  const instant second = dog.now + 50ms;
  while (dog.now < first + 1s) {
    dog.look(first);
  }

  BOOST_TEST((dog.look(second) == 1s));
}

// A machine that keeps the watchdog from its processor must not keep a hung handler alive for good.
BOOST_AUTO_TEST_CASE(a_watchdog_that_looks_seldom_ends_work_later_but_ends_it) {
  watchdog dog;
  const instant since = dog.now;
  instant::duration ran{};
  for (int looks = 0; looks < 20; ++looks) {
    ran = dog.look(since, 500ms);
  }

  BOOST_TEST((ran == 20 * watched_work::counted_max));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe
