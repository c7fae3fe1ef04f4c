#include "runtime/worker/group_queues.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

struct queues_fixture {
  queues_fixture() {
    for (work_queue& each : queues.all()) {
      each.on_wake([this] { ++wakes; });
    }
  }

  std::size_t taken_from(std::size_t queue) {
    std::vector<item> taken;
    (void)queues.all()[queue].take(taken);
    return taken.size();
  }

  group_queues queues{2};
  int wakes = 0;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_worker_group_queues, queues_fixture, *utf::label("unit") * utf::timeout(120))

BOOST_AUTO_TEST_CASE(calls_without_a_key_go_to_each_queue_in_turn) {
  for (int i = 0; i < 4; ++i) {
    queues.add_call({});
  }
  queues.push_added();

  BOOST_TEST(taken_from(0) == 2U);
  BOOST_TEST(taken_from(1) == 2U);
}

BOOST_AUTO_TEST_CASE(calls_of_one_key_share_a_queue_and_events_go_by_their_partition) {
  for (int i = 0; i < 4; ++i) {
    queues.add_call("k");
  }
  queues.add_event(1);
  queues.add_event(3);
  queues.push_added();

  const std::size_t second = taken_from(1);
  BOOST_TEST((second == 2U || second == 6U));
  BOOST_TEST(taken_from(0) == 6U - second);
}

BOOST_AUTO_TEST_CASE(a_frame_wakes_each_runner_once_and_counts_what_it_brought) {
  queues.add_call({});
  queues.add_call({});
  queues.add_event(0);
  queues.add_order(0);
  BOOST_TEST(queues.has_added());
  BOOST_TEST(queues.calls_taken() == 2);
  BOOST_TEST(queues.calls_in_hand() == 0);

  queues.push_added();

  BOOST_TEST(!queues.has_added());
  BOOST_TEST(wakes == 2);
  BOOST_TEST(queues.calls_in_hand() == 2);
  BOOST_TEST(queues.events_in_hand() == 1);
  queues.ended(2, 1);
  BOOST_TEST(queues.calls_taken() == 0);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
