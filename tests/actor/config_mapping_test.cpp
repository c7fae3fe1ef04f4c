#include "runtime/actor/config_mapping.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::test {

struct limits {
  std::int64_t amount = 7;
  std::optional<std::chrono::milliseconds> within;
};

TROUPE_MESSAGE(limits, amount, within)

struct settings {
  std::string name = "none";
  bool strict = false;
  double rate = 0.5;
  std::uint8_t small = 1;
  std::vector<std::string> hosts;
  std::map<std::string, limits> by_card;
};

TROUPE_MESSAGE(settings, name, strict, rate, small, hosts, by_card)

namespace {

struct mapping_fixture {
  static config_tree scalar(std::string text, int line) {
    return {.is = config_tree::kind::scalar, .at = {line, 9}, .text = std::move(text)};
  }

  static config_tree map(std::vector<config_tree::entry> entries, int line = 1) {
    return {.is = config_tree::kind::map, .at = {line, 3}, .entries = std::move(entries)};
  }

  settings read(const config_tree& tree) {
    settings value;
    faults.clear();
    read_config(tree, "config", value, faults);
    return value;
  }

  std::vector<fault> faults;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_actor_config_mapping, mapping_fixture, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(what_is_absent_keeps_its_default) {
  const settings value = read({});

  BOOST_TEST(faults.empty());
  BOOST_TEST(value.name == "none");
  BOOST_TEST(value.rate == 0.5);
}

BOOST_AUTO_TEST_CASE(every_kind_of_member_is_read) {
  config_tree hosts{.is = config_tree::kind::list, .at = {6, 3}};
  hosts.items = {scalar("a", 6), scalar("b", 6)};
  const settings value = read(map({
      {"name", {2, 3}, scalar("x", 2)},
      {"strict", {3, 3}, scalar("true", 3)},
      {"rate", {4, 3}, scalar("0.25", 4)},
      {"small", {5, 3}, scalar("255", 5)},
      {"hosts", {6, 3}, hosts},
      {"by_card",
       {7, 3},
       map({{"visa",
             {8, 5},
             map({{"amount", {8, 6}, scalar("9", 8)}, {"within", {9, 6}, scalar("5s", 9)}}, 8)}},
           7)},
  }));

  BOOST_TEST(faults.empty());
  BOOST_TEST(value.name == "x");
  BOOST_TEST(value.strict);
  BOOST_TEST(value.rate == 0.25);
  BOOST_TEST(value.small == 255);
  BOOST_TEST(value.hosts.size() == 2U);
  BOOST_TEST(value.by_card.at("visa").amount == 9);
  BOOST_TEST((value.by_card.at("visa").within == std::chrono::seconds{5}));
}

BOOST_AUTO_TEST_CASE(all_faults_come_at_once_each_at_its_own_line) {
  read(map({
      {"strict", {2, 3}, scalar("yes", 2)},
      {"rate", {3, 3}, scalar("half", 3)},
      {"small", {4, 3}, scalar("256", 4)},
      {"hosts", {5, 3}, scalar("a", 5)},
      {"by_card", {6, 3}, map({{"visa", {7, 5}, map({{"within", {8, 6}, scalar("5", 8)}}, 7)}}, 6)},
  }));

  std::vector<int> lines;
  for (const fault& each : faults) {
    lines.push_back(each.at.line);
    BOOST_TEST(!each.remedy.empty());
  }
  BOOST_TEST(lines == (std::vector<int>{2, 3, 4, 5, 8}), boost::test_tools::per_element());
  BOOST_TEST(faults.back().what.find("config.by_card.visa.within") != std::string::npos);
}

// Added to a time, in nanoseconds, they are in the past.
BOOST_AUTO_TEST_CASE(a_duration_that_no_clock_can_tell_is_a_fault) {
  const auto with = [&](const std::string& within) {
    const settings value = read(map(
        {{"by_card",
          {6, 3},
          map({{"visa", {7, 5}, map({{"within", {8, 6}, scalar(within, 8)}}, 7)}}, 6)}}));
    return value.by_card.empty() ? std::nullopt : value.by_card.at("visa").within;
  };

  BOOST_TEST((with("3650d") == std::chrono::hours{24 * 3'650}));
  BOOST_TEST(faults.empty());
  (void)with("200000d");
  BOOST_REQUIRE(faults.size() == 1U);
  BOOST_TEST(faults[0].what == "config.by_card.visa.within is `200000d`");
  BOOST_TEST(faults[0].remedy == "give a duration of 3650d at most");
}

BOOST_AUTO_TEST_CASE(a_number_that_readers_take_for_several_is_a_fault) {
  for (const char* const odd : {"nan", "inf", "-inf"}) {
    read(map({{"rate", {2, 3}, scalar(odd, 2)}}));
    BOOST_REQUIRE(faults.size() == 1U);
    BOOST_TEST(faults[0].remedy == "give a number");
  }
  read(map({{"small", {2, 3}, scalar("010", 2)}})); // YAML 1.1 takes it for 8.
  BOOST_REQUIRE(faults.size() == 1U);
  BOOST_TEST(faults[0].remedy == "give a whole number from 0 to 255, without a zero in front");
  BOOST_TEST(read(map({{"small", {2, 3}, scalar("0", 2)}})).small == 0);
  BOOST_TEST(faults.empty());
}

BOOST_AUTO_TEST_CASE(an_unknown_key_is_a_fault_with_the_nearest_known_one) {
  read(map({{"nmae", {2, 3}, scalar("x", 2)}}));

  BOOST_REQUIRE(faults.size() == 1U);
  BOOST_TEST(faults[0].at.line == 2);
  BOOST_TEST((faults[0].what + faults[0].remedy).find("`name`") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_scalar_in_place_of_the_map_is_a_fault) {
  read(scalar("x", 4));

  BOOST_REQUIRE(faults.size() == 1U);
  BOOST_TEST(faults[0].at.line == 4);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
