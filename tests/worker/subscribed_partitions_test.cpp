#include "runtime/worker/subscribed_partitions.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

// Without a store, so that memory is all there is.
struct partitions_fixture {
  subscribed_partitions::partition& assigned(std::uint32_t number, std::uint64_t epoch = 1) {
    all.assign(number, epoch);
    all.committed();
    return all.touch(number);
  }

  subscribed_partitions all{nullptr};
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_worker_subscribed_partitions,
    partitions_fixture,
    *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(a_partition_is_ours_once_its_assignment_is_committed) {
  all.assign(3, 7);
  BOOST_TEST(!all.touch(3).is_ours);

  all.committed();

  BOOST_TEST(all.touch(3).is_ours);
  BOOST_TEST(!all.touch(4).is_ours);
}

BOOST_AUTO_TEST_CASE(an_assignment_whose_turn_was_undone_changes_nothing) {
  all.assign(3, 7);
  all.rolled_back();

  BOOST_TEST(!all.touch(3).is_ours);
}

BOOST_AUTO_TEST_CASE(events_wait_behind_an_earlier_one_of_their_key) {
  auto& at = assigned(3);
  all.postpone(at, {10, 3, "k"});

  BOOST_TEST(at.handled == 10U);
  BOOST_TEST(at.is_behind(11, "k"));
  BOOST_TEST(!at.is_behind(10, "k"));
  BOOST_TEST(!at.is_behind(11, "other"));
  BOOST_TEST(!at.is_behind(11, ""));

  all.forget(at, 10);

  BOOST_TEST(!at.is_behind(11, "k"));
}

BOOST_AUTO_TEST_CASE(a_dead_letter_is_forgotten_where_it_waits) {
  auto& at = assigned(3);
  all.postpone(at, {10, 3, "k"});

  all.add_dead_letter(10);

  BOOST_TEST(at.waiting.empty());
  BOOST_TEST(!at.is_behind(11, "k"));
  BOOST_TEST(!all.is_dead_letter(10));
}

BOOST_AUTO_TEST_CASE(a_dead_letter_that_was_never_seen_is_remembered) {
  auto& at = assigned(3);
  at.advance(10);

  all.add_dead_letter(9);
  all.add_dead_letter(11);

  BOOST_TEST(!all.is_dead_letter(9)); // Every partition has passed it.
  BOOST_TEST(all.is_dead_letter(11));
}

BOOST_AUTO_TEST_CASE(the_positions_of_the_partitions_that_are_ours_are_reported) {
  assigned(3).advance(10);
  all.touch(4);
  std::vector<wire::progress> upto;

  all.finish(upto);

  BOOST_REQUIRE(upto.size() == 1U);
  BOOST_TEST(upto[0].partition == 3U);
  BOOST_TEST(upto[0].position == 10U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
