#include "nodes/commands/transfer/name_aside.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe {

BOOST_AUTO_TEST_SUITE(nodes_name_aside, *utf::label("unit") * utf::timeout(10))

BOOST_AUTO_TEST_CASE(a_short_name_stays_whole) {
  BOOST_TEST(name_aside("orders", "left-2026-11-30-07-15-00") == "orders-left-2026-11-30-07-15-00");
}

// The server cuts what is longer, and says so in a notice alone.
BOOST_AUTO_TEST_CASE(a_name_fits_into_those_of_postgresql) {
  const std::string behind = "before-restore-2026-11-30-07-15-00";
  for (std::size_t bytes = 1; bytes <= 63; ++bytes) {
    const std::string name = name_aside(std::string(bytes, 'a'), behind);
    BOOST_TEST(name.size() <= 63U);
    BOOST_TEST(name.ends_with("-" + behind));
  }
}

BOOST_AUTO_TEST_CASE(two_names_of_one_beginning_stay_two) {
  const std::string behind = "before-restore-2026-11-30-07-15-00";

  BOOST_TEST(
      name_aside("customer-notification-delivery-mail", behind)
      != name_aside("customer-notification-delivery-sms", behind));
  BOOST_TEST(name_aside("customer-notification-delivery-sms", behind).starts_with("customer-"));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe
