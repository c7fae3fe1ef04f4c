#include "runtime/worker/event_assignments.hpp"

#include "runtime/wire/limits.hpp"

#include <boost/test/unit_test.hpp>

#include <utility>

namespace utf = boost::unit_test;

namespace troupe {

BOOST_AUTO_TEST_SUITE(
    runtime_worker_event_assignments, *utf::label("integration") * utf::timeout(60))

// A key that failed for hours has many events behind it, and an answer larger than a frame would
// cut the worker's connection at each login.
BOOST_AUTO_TEST_CASE(an_answer_about_many_waiting_events_takes_several_messages) {
  wire::assigned whole{"things", 7, {}, {}};
  for (std::uint32_t i = 0; i < wire::partition_count; ++i) {
    wire::partition_state& state = whole.partitions.emplace_back();
    state.partition = i;
    state.handled = 1'000'000;
    for (std::uint64_t row = 0; row < 1'000; ++row) {
      state.waiting.push_back({1'000'000'000 + row, 9, false, "transient", "", 3});
    }
  }

  const auto parts = in_frames(std::move(whole));

  BOOST_TEST(parts.size() == 8U);
  std::uint32_t next = 0;
  for (const wire::assigned& each : parts) {
    BOOST_TEST(wire::encoded(each).size() < wire::control_bytes_max * 3 / 4);
    BOOST_TEST(each.epoch == 7U);
    for (const wire::partition_state& state : each.partitions) {
      BOOST_TEST(state.partition == next++);
      BOOST_TEST(state.waiting.size() == 1'000U);
    }
  }
  BOOST_TEST(next == wire::partition_count);
  BOOST_TEST(in_frames({"things", 7, {}, "another journal"}).front().refused == "another journal");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe
