#include "runtime/supervision/supervised_child.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::supervision {

using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(runtime_supervision_supervised_child, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(the_last_failures_are_kept_with_the_message_in_hand) {
  supervised_child child;
  const auto message = derived_id(uuid{}, "in hand");
  for (int i = 1; i <= 20; ++i) {
    ++child.generation;
    child.keep_failure(instant{1h}, std::to_string(i), message);
  }

  BOOST_REQUIRE(child.failures.size() == supervised_child::failures_kept);
  BOOST_TEST(child.failures.front().reason == "5");
  BOOST_TEST(child.failures.back().reason == "20");
  BOOST_TEST(child.failures.back().generation == 20U);
  BOOST_TEST((child.failures.back().message == message));
  BOOST_TEST((child.failures.back().when == instant{1h}));
}

BOOST_AUTO_TEST_CASE(a_long_reason_is_cut) {
  supervised_child child;

  BOOST_TEST(child.keep_failure(instant{}, std::string(10'000, 'x'), {}).reason.size() == 512U);
}

BOOST_AUTO_TEST_CASE(a_renewed_child_keeps_its_failures_for_people_and_counts_none) {
  supervised_child child;
  child.keep_failure(instant{}, "boom", {});
  child.failures_in_row = child.quick_failures_in_row = 3;
  child.enter(child_state::waiting, instant{1h});

  child.renew();

  BOOST_TEST((child.state == child_state::fresh));
  BOOST_TEST(!child.due.has_value());
  BOOST_TEST(child.failures_in_row == 0);
  BOOST_TEST(child.quick_failures_in_row == 0);
  BOOST_TEST(child.failures.size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::supervision
