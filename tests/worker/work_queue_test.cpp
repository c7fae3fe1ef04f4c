#include "runtime/worker/work_queue.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <condition_variable>
#include <thread>

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

item numbered(std::uint64_t number) {
  item made;
  made.token = number;
  return made;
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_worker_work_queue, *utf::label("unit") * utf::timeout(120))

BOOST_AUTO_TEST_CASE(only_the_first_push_wakes_until_the_queue_was_found_empty) {
  work_queue queue;
  int wakes = 0;
  queue.on_wake([&] { ++wakes; });
  std::vector<item> taken;

  queue.push(numbered(1));
  queue.push(numbered(2));
  BOOST_TEST(wakes == 1);
  BOOST_TEST(queue.take(taken));
  BOOST_TEST(taken.size() == 2U);
  queue.push(numbered(3));
  BOOST_TEST(wakes == 1); // The taker is still at work, and will look again.
  taken.clear();
  BOOST_TEST(queue.take(taken));
  taken.clear();
  BOOST_TEST(!queue.take(taken));
  queue.push(numbered(4));

  BOOST_TEST(wakes == 2);
}

BOOST_AUTO_TEST_CASE(a_batch_keeps_its_order_and_is_emptied) {
  work_queue queue;
  queue.on_wake([] {});
  std::vector<item> batch;
  for (std::uint64_t i = 0; i < 10; ++i) {
    batch.push_back(numbered(i));
  }
  std::vector<item> taken;

  queue.push(batch);

  BOOST_TEST(batch.empty());
  BOOST_REQUIRE(queue.take(taken));
  for (std::uint64_t i = 0; i < 10; ++i) {
    BOOST_TEST(taken[i].token == i);
  }
}

// A lost wake would leave the taker waiting forever, and the test's time limit end it.
BOOST_AUTO_TEST_CASE(many_threads_push_and_nothing_is_lost_repeated_or_left_asleep) {
  constexpr std::uint64_t threads = 3;
  constexpr std::uint64_t each = 200;
  for (int round = 0; round < 200; ++round) {
    work_queue queue;
    std::mutex mutex;
    std::condition_variable woken;
    int wakes = 0;
    queue.on_wake([&] {
      const std::lock_guard lock{mutex};
      ++wakes;
      woken.notify_one();
    });
    std::vector<std::jthread> pushers;
    for (std::uint64_t t = 0; t < threads; ++t) {
      pushers.emplace_back([&queue, t] {
        for (std::uint64_t i = 0; i < each; ++i) {
          queue.push(numbered(t << 32U | i));
        }
      });
    }
    std::array<std::uint64_t, threads> next{};
    std::uint64_t seen = 0;
    std::vector<item> taken;
    bool in_order = true;
    while (seen < threads * each) {
      {
        std::unique_lock lock{mutex};
        woken.wait(lock, [&] { return wakes > 0; });
        --wakes;
      }
      for (taken.clear(); queue.take(taken); taken.clear()) {
        for (const item& one : taken) {
          in_order = in_order && next[one.token >> 32U]++ == (one.token & 0xffffffffU);
          ++seen;
        }
      }
    }
    BOOST_TEST(in_order);
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
