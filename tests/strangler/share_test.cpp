#include "runtime/strangler/share.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace utf = boost::unit_test;

namespace troupe::strangler {

namespace {

int count_modern(std::uint32_t share, std::string_view feature) {
  int found = 0;
  for (int i = 0; i < 10'000; ++i) {
    found += choose(share, feature, "user-" + std::to_string(i)) == side::modern ? 1 : 0;
  }
  return found;
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_strangler_share, *utf::label("unit") * utf::timeout(60))

BOOST_AUTO_TEST_CASE(a_share_is_a_word_or_a_percentage) {
  BOOST_TEST((parse_share("off") == 0U));
  BOOST_TEST((parse_share("on") == 10'000U));
  BOOST_TEST((parse_share("25%") == 2'500U));
  BOOST_TEST((parse_share("0.5%") == 50U));
  BOOST_TEST((parse_share("0.05%") == 5U));
  BOOST_TEST((parse_share("100%") == 10'000U));
  for (const char* wrong :
       {"",
        "%",
        "25",
        "101%",
        "100.01%",
        "-1%",
        "+1%",
        "1.%",
        ".5%",
        "1.005%",
        "1e1%",
        "ON",
        "25 %",
        "4294967297%"}) {
    BOOST_TEST(!parse_share(wrong), wrong);
  }
}

BOOST_AUTO_TEST_CASE(a_share_is_written_as_it_is_read) {
  for (std::uint32_t share = 0; share <= wire::share_max; ++share) {
    BOOST_REQUIRE((parse_share(share_text(share)) == share));
  }
  BOOST_TEST(share_text(2'500) == "25%");
  BOOST_TEST(share_text(50) == "0.5%");
  BOOST_TEST(share_text(5) == "0.05%");
}

BOOST_AUTO_TEST_CASE(the_ends_take_everything) {
  BOOST_TEST(count_modern(0, "billing") == 0);
  BOOST_TEST(count_modern(wire::share_max, "billing") == 10'000);
  BOOST_TEST((choose(wire::share_max, "billing", std::nullopt) == side::modern));
  BOOST_TEST((choose(wire::share_max - 1, "billing", std::nullopt) == side::legacy));
}

BOOST_AUTO_TEST_CASE(a_quarter_is_about_a_quarter) {
  BOOST_TEST(count_modern(2'500, "billing") > 2'300);
  BOOST_TEST(count_modern(2'500, "billing") < 2'700);
}

BOOST_AUTO_TEST_CASE(a_rising_share_takes_nobody_back) {
  for (int i = 0; i < 200; ++i) {
    const std::string key = "user-" + std::to_string(i);
    side before = side::legacy;
    for (std::uint32_t share = 0; share <= wire::share_max; share += 50) {
      const side now = choose(share, "billing", key);
      BOOST_REQUIRE((before == side::legacy || now == side::modern));
      before = now;
    }
  }
}

BOOST_AUTO_TEST_CASE(features_choose_other_users) {
  int both = 0;
  for (int i = 0; i < 10'000; ++i) {
    const std::string key = "user-" + std::to_string(i);
    both +=
        choose(5'000, "billing", key) == side::modern && choose(5'000, "users", key) == side::modern
            ? 1
            : 0;
  }
  BOOST_TEST(both > 2'300);
  BOOST_TEST(both < 2'700);
}

// Another hash in a later release would send users to and fro while it is rolled out.
BOOST_AUTO_TEST_CASE(who_is_chosen_stays_chosen_over_releases) {
  std::string chosen;
  for (int i = 0; i < 32; ++i) {
    const std::string key = "user-" + std::to_string(i);
    chosen += choose(5'000, "billing", key) == side::modern ? 'm' : '-';
  }
  BOOST_TEST(chosen == "-----mmm--m-m-m--mm-mm-mmm-mmmmm");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::strangler
