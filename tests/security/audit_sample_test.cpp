#include "runtime/security/audit_sample.hpp"

#include <boost/test/unit_test.hpp>

namespace troupe::security {

namespace utf = boost::unit_test;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(security_audit_sample, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(the_first_refusal_has_a_line_and_then_one_in_a_second) {
  audit_sample tested{2};
  const instant start{};
  const auto note = [&](instant at) { return tested.note(0, at); };

  BOOST_TEST(note(start).value_or(0) == 1U);
  for (int i = 0; i < 10'000; ++i) {
    BOOST_TEST(!note(start + 500ms).has_value());
  }
  BOOST_TEST(note(start + 1s).value_or(0) == 10'001U);
  BOOST_TEST(note(start + 2s).value_or(0) == 1U);
  BOOST_TEST(tested.refused() == 10'003U);
}

BOOST_AUTO_TEST_CASE(no_series_hides_the_refusals_of_another) {
  audit_sample tested{2};
  const instant now{};
  (void)tested.note(0, now);

  BOOST_TEST(tested.note(1, now).value_or(0) == 1U);
  BOOST_TEST(!tested.note(0, now).has_value());
}

BOOST_AUTO_TEST_CASE(an_interval_may_be_longer) {
  audit_sample tested{1, 10s};
  const instant start{};
  (void)tested.note(0, start);

  BOOST_TEST(!tested.note(0, start + 9s).has_value());
  BOOST_TEST(tested.note(0, start + 10s).value_or(0) == 2U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::security
