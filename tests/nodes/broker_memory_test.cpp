#include "nodes/broker_memory.hpp"

#include <boost/test/unit_test.hpp>

namespace troupe {

namespace utf = boost::unit_test;

BOOST_AUTO_TEST_SUITE(nodes_broker_memory, *utf::label("unit") * utf::timeout(5))

namespace {

constexpr std::uint64_t mebibyte = 1U << 20U;

topology::plan plan_of(std::size_t subscribers, std::uint64_t memory, std::uint64_t body) {
  topology::plan made;
  made.memory_max = memory;
  made.body_bytes_max = body;
  made.capabilities.resize(subscribers + 1); // One subscribes to nothing.
  for (std::size_t i = 0; i < subscribers; ++i) {
    made.capabilities[i].subscribes = {"order.*"};
  }
  return made;
}

std::size_t sum_of(const broker::memory_shares& all) {
  return all.calls + all.unread + all.parked + 2 * all.events + all.windows;
}

} // namespace

BOOST_AUTO_TEST_CASE(subscribers_share_a_sixteenth_and_have_eight_mebibytes_at_most) {
  BOOST_TEST(window_of(plan_of(20, 1'600 * mebibyte, 65'536)).bytes == 5 * mebibyte);
  BOOST_TEST(window_of(plan_of(2, 8'192 * mebibyte, 65'536)).bytes == 8 * mebibyte);
  BOOST_TEST(window_of(plan_of(0, 8'192 * mebibyte, 65'536)).bytes == 8 * mebibyte);
}

// Memory for a few events only: each subscriber has room for one of the largest that is postponed,
// and for those behind it.
BOOST_AUTO_TEST_CASE(a_window_has_room_for_the_largest_event_and_more) {
  for (const std::uint64_t body : {std::uint64_t{1'024}, mebibyte, 64 * mebibyte}) {
    const topology::plan small = plan_of(20, 40 * (body + 65'536), body);

    BOOST_TEST(window_of(small).bytes == body + 65'536);
    const broker::memory_shares shares = shares_of(small);
    BOOST_TEST(shares.windows == 20 * (body + 65'536));
    BOOST_TEST(shares.calls >= small.memory_max / 4);
    BOOST_TEST(shares.awaiting <= shares.calls);
    BOOST_TEST(sum_of(shares) == small.memory_max);
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe
