#include "runtime/broker/events/batch_hold.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <deque>

namespace utf = boost::unit_test;

namespace troupe::broker {

namespace {

using namespace std::chrono_literals;

/// Publishers that keep so many events under way, and a disk.
struct load {
  int window = 1;
  /// Of each commit, and of each event in it.
  std::chrono::nanoseconds commit{};
  std::chrono::nanoseconds event{};
  /// What answer and next event cost, one after the other.
  std::chrono::nanoseconds publish{};
  /// False: they publish at times of their own, once in `publish`, whatever is answered.
  bool is_closed = true;
};

struct outcome_of {
  double events_per_s = 0;
  /// Of batches.
  double held = 0;
  double size = 0;
};

/// Lets the load run for many batches; the figures are those of the last ones.
outcome_of run(const load& with) {
  batch_hold hold;
  instant now{1h};
  std::deque<instant> coming;
  instant last = now;
  const auto publish = [&](int events, instant from) {
    last = std::max(last, from);
    for (int i = 0; i < events; ++i) {
      coming.push_back(last += with.publish);
    }
  };
  publish(with.is_closed ? with.window : 100'000, now);
  instant began = now;
  std::size_t events = 0;
  int batches = 0;
  int held = 0;
  constexpr int ignored = 320;
  constexpr int counted = 3'200;
  while (batches < ignored + counted) {
    const auto waiting =
        static_cast<std::size_t>(std::ranges::upper_bound(coming, now) - coming.begin());
    if (waiting == 0) {
      now = coming.front();
      continue;
    }
    if (hold.holds(waiting, now)) {
      ++held;
      const instant next = waiting < coming.size() ? coming[waiting] : hold.until();
      now = std::min(next, hold.until());
      continue;
    }
    coming.erase(coming.begin(), coming.begin() + static_cast<std::ptrdiff_t>(waiting));
    const auto took = with.commit + static_cast<int>(waiting) * with.event;
    hold.begun(now);
    now += took;
    const auto came =
        static_cast<std::size_t>(std::ranges::upper_bound(coming, now) - coming.begin());
    hold.ended(waiting, came, now);
    if (with.is_closed) {
      publish(static_cast<int>(waiting), now);
    } else {
      publish(static_cast<int>(waiting), last);
    }
    if (++batches == ignored) {
      began = now;
      events = 0;
      held = 0;
    } else {
      events += waiting;
    }
  }
  const std::chrono::duration<double> passed = now - began;
  return {
      static_cast<double>(events) / passed.count(),
      static_cast<double>(held) / counted,
      static_cast<double>(events) / counted};
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_broker_batch_hold, *utf::label("unit") * utf::timeout(60))

BOOST_AUTO_TEST_CASE(where_a_commit_costs_most_all_who_were_answered_go_along) {
  const auto found = run({.window = 64, .commit = 400us, .event = 1us, .publish = 1us});

  BOOST_TEST(found.size > 55.0);
  BOOST_TEST(found.events_per_s > 110'000.0); // 32 in each commit would be 74,000.
}

BOOST_AUTO_TEST_CASE(where_events_cost_most_the_next_come_in_meanwhile) {
  const auto found = run({.window = 1'000, .commit = 100us, .event = 3us, .publish = 1'500ns});

  BOOST_TEST(found.size < 800.0);
  BOOST_TEST(found.events_per_s > 270'000.0); // All in each commit would be 217,000.
}

BOOST_AUTO_TEST_CASE(one_at_a_time_waits_for_nobody) {
  const auto found = run({.window = 1, .commit = 400us, .event = 1us, .publish = 100us});

  BOOST_TEST(found.held == 0.0);
}

BOOST_AUTO_TEST_CASE(where_nobody_waits_for_an_answer_it_is_tried_now_and_then_alone) {
  const auto found = run({.commit = 400us, .event = 1us, .publish = 50us, .is_closed = false});

  BOOST_TEST(found.events_per_s > 19'900.0);
  BOOST_TEST(found.size < 9.5); // 8 and some without it.
}

BOOST_AUTO_TEST_CASE(nothing_is_held_for_longer_than_half_a_commit_or_two_milliseconds) {
  batch_hold hold;
  instant now{1h};
  for (int i = 0; i < 40; ++i) { // The first batches are not held, the next are.
    hold.begun(now += 1ms);
    hold.ended(8, 0, now += 400us);
  }
  BOOST_TEST(hold.holds(7, now + 199us));
  BOOST_TEST(!hold.holds(8, now + 199us));
  BOOST_TEST(!hold.holds(7, now + 200us));
  hold.begun(now);
  hold.ended(8, 0, now += 10s);
  BOOST_TEST(hold.holds(7, now + 1'999us));
  BOOST_TEST(!hold.holds(7, now + 2ms));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
