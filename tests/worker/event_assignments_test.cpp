#include "runtime/worker/event_assignments.hpp"

#include "runtime/wire/limits.hpp"
#include "tests/worker/process_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>
#include <vector>

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

// A partition moves to a process that has not had it, or had it once.
BOOST_AUTO_TEST_CASE(without_a_store_a_process_goes_on_where_others_have_come) {
  const test::temporary_folder folder;
  manual_clock time;
  test::probe seen;
  std::vector<std::string> ran;
  std::string failing;
  seen.writes_events = false;
  seen.on_event = [&](const test::thing& event, turn&, const event_info& info) -> outcome<void> {
    ran.push_back(event.name + " " + std::to_string(info.attempt));
    if (event.name == failing) {
      return failure{error{.code = errc::unavailable, .message = "not now"}};
    }
    return {};
  };
  auto options = test::things_options(folder);
  options.database.reset();
  options.retry.attempts = 3;
  test::process p{time, "n1", test::things_type(seen), options};
  p.start();
  const std::uint32_t partition = wire::partition_of("k", {});
  const uuid journal{.bytes = {std::byte{7}}};
  const auto assign = [&](std::uint64_t epoch, const wire::remembered_partition& known) {
    p.assign(epoch, {{partition, 9}}, journal, {}, {{known}});
    p.run();
    return p.assigned.back().partitions.at(0);
  };
  const auto waits = [](std::uint64_t position, std::uint32_t attempts) {
    return wire::remembered_event{{position, attempts, false, "transient", "down", 1}, "k"};
  };

  const auto first = assign(1, {partition, 50, {waits(10, 2), waits(12, 0)}});

  BOOST_TEST(first.handled == 50U);
  BOOST_REQUIRE(first.waiting.size() == 2U);
  BOOST_TEST(first.waiting[0].attempts == 2U);
  p.deliver(51, "k", {"51"}); // Behind the others of its key.
  p.deliver(30, "k", {"30"}); // A repeat of one that is handled.
  failing = "10";
  p.deliver(10, "k", {"10"});
  p.run();
  BOOST_TEST(ran == std::vector<std::string>{"10 3"}, boost::test_tools::per_element());
  BOOST_TEST(p.handled.back().waiting.back().dead); // It had two tries elsewhere.

  // Others have handled the tenth and the twelfth since, and tried a later one.
  const auto second = assign(2, {partition, 90, {waits(51, 1), waits(60, 1)}});

  BOOST_TEST(second.handled == 90U);
  BOOST_REQUIRE(second.waiting.size() == 2U);
  BOOST_TEST(second.waiting[0].position == 51U);
  BOOST_TEST(second.waiting[0].attempts == 1U);
  BOOST_TEST(second.waiting[1].position == 60U);

  // It was handled here, and the report of that was lost.
  p.deliver(51, "k", {"51"});
  p.run();
  const auto third = assign(3, {partition, 90, {waits(51, 1), waits(60, 1)}});

  BOOST_REQUIRE(third.waiting.size() == 1U);
  BOOST_TEST(third.waiting[0].position == 60U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe
