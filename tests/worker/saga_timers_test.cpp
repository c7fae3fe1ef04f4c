#include "runtime/worker/saga_timers.hpp"

#include "tests/worker/process_fixture.hpp"

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

constexpr milliseconds month = std::chrono::hours{24 * 30};

struct saga_timers_fixture {
  saga_timers_fixture() {
    one = std::make_unique<process>(time, "n1", things_type(seen), things_options(first));
    other = std::make_unique<process>(time, "n2", things_type(seen), things_options(second));
  }

  void set(const uuid& saga, std::uint64_t token, milliseconds delay, std::uint32_t slot = 0) {
    outbound turn;
    turn.timers.push_back({saga, token, delay, slot});
    tested.take(*one->front, turn, time.now());
  }

  void stop(const uuid& saga) {
    outbound turn;
    turn.stopped.push_back(saga);
    tested.take(*one->front, turn, time.now());
  }

  /// The tokens of the timers that are due.
  std::vector<std::uint64_t> due() {
    tested.push_due(time.now());
    std::vector<item> taken;
    (void)one->front->queues().all()[0].take(taken);
    std::vector<std::uint64_t> tokens;
    for (const item& each : taken) {
      BOOST_TEST((each.what == item::kind::saga_timer));
      tokens.push_back(each.token);
    }
    return tokens;
  }

  using list = std::vector<std::uint64_t>;

  temporary_folder first;
  temporary_folder second;
  manual_clock time;
  probe seen;
  std::unique_ptr<process> one;
  std::unique_ptr<process> other;
  saga_timers tested;
  const uuid a{.bytes = {std::byte{1}}};
  const uuid b{.bytes = {std::byte{2}}};
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_worker_saga_timers, saga_timers_fixture, *utf::label("integration") * utf::timeout(60))

BOOST_AUTO_TEST_CASE(timers_are_due_in_their_order) {
  set(a, 1, 20ms, 0);
  set(b, 2, 10ms, 0);
  set(a, 3, 30ms, 1);

  time.advance(20ms);

  BOOST_TEST((due() == list{2, 1}));
  time.advance(10ms);
  BOOST_TEST((due() == list{3}));
  BOOST_TEST(tested.size() == 0U);
}

BOOST_AUTO_TEST_CASE(a_later_timer_replaces_the_one_in_its_slot) {
  set(a, 1, 10ms);
  set(a, 2, 20ms);

  BOOST_TEST(tested.size() == 1U);
  time.advance(10ms);
  BOOST_TEST(due().empty());
  time.advance(10ms);
  BOOST_TEST((due() == list{2}));
}

// Each saga would else leave two behind, for a month.
BOOST_AUTO_TEST_CASE(sagas_that_stopped_leave_no_timer_behind) {
  uuid_source ids{1};
  for (int i = 0; i < 1'000; ++i) {
    const uuid saga = ids.next(time.wall());
    set(saga, 1, month, 0);
    set(saga, 2, month, 32);
    stop(saga);
  }

  BOOST_TEST(tested.size() == 0U);
}

BOOST_AUTO_TEST_CASE(only_the_saga_that_stopped_has_its_timers_taken_away) {
  set(a, 1, 10ms, 0);
  set(a, 2, 10ms, 32);
  set(b, 3, 10ms, 0);

  stop(a);

  BOOST_TEST(tested.size() == 1U);
  time.advance(10ms);
  BOOST_TEST((due() == list{3}));
}

BOOST_AUTO_TEST_CASE(a_saga_that_was_read_anew_has_the_timers_that_were_set_then) {
  set(a, 1, 10ms, 0);
  set(b, 2, 10ms, 0);
  outbound turn;
  turn.stopped.push_back(a);
  turn.timers.push_back({a, 3, 20ms, 0});

  tested.take(*one->front, turn, time.now());

  time.advance(20ms);
  BOOST_TEST((due() == list{2, 3}));
}

BOOST_AUTO_TEST_CASE(all_timers_of_a_group_go_and_those_of_others_stay) {
  set(a, 1, 10ms, 0);
  set(b, 2, month, 0);
  outbound turn;
  turn.timers.push_back({a, 9, month, 0});
  tested.take(*other->front, turn, time.now());
  turn.timers.clear();
  turn.all_stopped = true;

  tested.take(*one->front, turn, time.now());

  BOOST_TEST(tested.size() == 1U);
  time.advance(10ms);
  BOOST_TEST(due().empty());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
