#include "runtime/broker/events/group/assignment.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <vector>

namespace troupe::broker {

namespace utf = boost::unit_test;

namespace {

uuid process(unsigned char number) {
  uuid made;
  made.bytes[0] = std::byte{number};
  return made;
}

/// Gives every partition that is to move, as if nothing were in flight.
std::vector<send_assign> give_all(assignment& of) {
  of.choose_targets();
  for (std::uint32_t i = 0; i < wire::partition_count; ++i) {
    if (of.is_leaving(i)) {
      of.give(i);
    }
  }
  return of.take_orders();
}

std::size_t partitions_of(const assignment& of, std::uint32_t worker) {
  std::size_t count = 0;
  for (std::uint32_t i = 0; i < wire::partition_count; ++i) {
    count += of.owner(i) == worker ? 1U : 0U;
  }
  return count;
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_broker_events_group_assignment, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(partitions_take_turns_from_where_the_last_turn_ended) {
  turns waiting;
  waiting.add(63);
  waiting.add(3);
  waiting.add(9);

  BOOST_TEST(waiting.take() == 3U);
  waiting.add(3);
  BOOST_TEST(waiting.take() == 9U);
  waiting.remove(63);
  BOOST_TEST(waiting.take() == 3U);
  BOOST_TEST(waiting.empty());
}

BOOST_AUTO_TEST_CASE(a_new_worker_gets_its_share_and_no_other_partition_moves) {
  assignment tested{7};
  tested.join(login_id{1}, "n1", process(1), 5);
  BOOST_TEST(give_all(tested).at(0).partitions.size() == 64U);

  tested.join(login_id{2}, "n2", process(2), 5);
  const auto orders = give_all(tested);

  BOOST_REQUIRE(orders.size() == 1U);
  BOOST_TEST((orders[0].to == login_id{2}));
  BOOST_TEST(orders[0].partitions.size() == 32U);
  BOOST_TEST(partitions_of(tested, 0) == 32U);
}

BOOST_AUTO_TEST_CASE(without_a_usable_worker_partitions_stay) {
  assignment tested{7};
  tested.join(login_id{1}, "n1", process(1), 5);
  (void)give_all(tested);
  tested.at(0).credit = 0;

  BOOST_TEST(give_all(tested).empty());
  BOOST_TEST(partitions_of(tested, 0) == 64U);
}

BOOST_AUTO_TEST_CASE(only_the_answer_to_the_last_order_is_awaited) {
  assignment tested{7};
  tested.join(login_id{1}, "n1", process(1), 5);
  const std::uint64_t first = give_all(tested).at(0).epoch;
  BOOST_TEST(first == 8U);
  BOOST_TEST(tested.awaits(5, 0, first));
  BOOST_TEST(!tested.awaits(5, 0, first - 1));
  BOOST_TEST(!tested.is_open(5));

  BOOST_TEST(!tested.leave(0));
  for (std::uint32_t i = 0; i < wire::partition_count; ++i) {
    tested.take_from(i);
  }
  tested.join(login_id{2}, "n1", process(2), 5);
  const std::uint64_t second = give_all(tested).at(0).epoch;

  BOOST_TEST(second > first);
  BOOST_TEST(!tested.awaits(5, 0, first));
  tested.set(5, assignment::phase::active);
  BOOST_TEST(tested.is_open(5));
  BOOST_TEST(tested.is_active_at(5, 0));
}

BOOST_AUTO_TEST_CASE(a_process_with_another_login_lives_on) {
  assignment tested{7};
  tested.join(login_id{1}, "n1", process(1), 5);
  tested.join(login_id{2}, "n1", process(1), 5);

  BOOST_TEST(tested.leave(0));
  BOOST_TEST(!tested.leave(1));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
