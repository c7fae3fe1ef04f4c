#include "runtime/worker/runner_metrics.hpp"

#include <boost/test/unit_test.hpp>

#include <ctime>
#include <iostream>

namespace utf = boost::unit_test;

namespace troupe {

namespace {

using namespace std::chrono_literals;

std::chrono::nanoseconds computed() {
  timespec spent{};
  (void)::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return std::chrono::seconds{spent.tv_sec} + std::chrono::nanoseconds{spent.tv_nsec};
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_worker_runner_metrics, *utf::label("unit") * utf::timeout(10))

BOOST_AUTO_TEST_CASE(each_error_has_an_outcome_of_its_own_and_a_strange_one_is_internal) {
  BOOST_TEST(call_outcome::name(call_outcome::ok) == "ok");
  BOOST_TEST(call_outcome::name(call_outcome::pending) == "pending");
  for (std::size_t i = 1; i < call_outcome::pending; ++i) {
    BOOST_TEST(call_outcome::of(static_cast<errc>(i)) == i);
    BOOST_TEST((errc_named(call_outcome::name(i)) == static_cast<errc>(i)));
  }
  BOOST_TEST(call_outcome::name(call_outcome::of(static_cast<errc>(200))) == "internal");
}

BOOST_AUTO_TEST_CASE(a_number_beyond_the_declared_ones_is_no_operation) {
  runner_metrics tested{2};
  BOOST_TEST(&tested.operation(1) == &tested.operations[1]);
  BOOST_TEST(&tested.operation(2) == &tested.operations.back());
  BOOST_TEST(&tested.operation(0xffff) == &tested.operations.back());
}

BOOST_AUTO_TEST_CASE(runners_of_a_group_are_added_up) {
  runner_metrics sum{1};
  runner_metrics other{1};
  for (runner_metrics* each : {&sum, &other}) {
    each->queue.record(1ms);
    each->operation(0).handler.record(1ms);
    each->operation(0).outcomes[call_outcome::ok].add();
    each->count_restart(restart_cause::turn_undone);
  }

  sum.add(other);

  BOOST_TEST(sum.queue.count() == 2);
  BOOST_TEST(sum.operation(0).handler.count() == 2);
  BOOST_TEST(sum.operation(0).outcomes[call_outcome::ok].value() == 2);
  BOOST_TEST(sum.restarts[static_cast<std::size_t>(restart_cause::turn_undone)].value() == 2);
}

// All that a worker notes of a call: its wait, its handler and its outcome. The bound is for
// sanitizers; a release needs 6 ns.
BOOST_AUTO_TEST_CASE(what_a_call_pays) {
  constexpr std::int64_t calls = 1'000'000;
  runner_metrics tested{8};
  const auto began = computed();
  for (std::int64_t i = 0; i < calls; ++i) {
    const std::chrono::nanoseconds took{(i & 0xffff) << 6};
    tested.queue.record(took);
    operation_metrics& of = tested.operation(static_cast<std::size_t>(i & 7));
    of.handler.record(took);
    of.outcomes[call_outcome::ok].add();
  }
  const auto each = static_cast<double>((computed() - began).count()) / calls;
  std::cout << "worker, all that is measured of a call: " << each << " ns\n";
  BOOST_TEST(tested.queue.count() == static_cast<std::uint64_t>(calls));
  BOOST_TEST(each < 1'000);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe
