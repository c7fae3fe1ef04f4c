#include "runtime/config.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace utf = boost::unit_test;

namespace {

using namespace std::chrono_literals;
using troupe::config_tree;
using troupe::did_you_mean;
using troupe::fault;
using troupe::parse_duration;
using troupe::parse_size;

config_tree scalar(std::string text, int line) {
  return {.is = config_tree::kind::scalar, .at = {line, 7}, .text = std::move(text)};
}

/// A map in which entry i stands on line i + 2: key in column 3, value in column 7.
struct config_fixture {
  config_tree map{.is = config_tree::kind::map, .at = {1, 5}};
  std::vector<fault> faults;

  void add(const std::string& key, config_tree value) {
    const int line = static_cast<int>(map.entries.size()) + 2;
    value.at = {line, 7};
    map.entries.push_back({.key = key, .at = {line, 3}, .value = std::move(value)});
  }

  void add(const std::string& key, const std::string& text) { add(key, scalar(text, 0)); }

  troupe::config_reader reader() { return {map, "node `n1`", faults}; }

  void
  check_only_fault(troupe::file_position at, std::string_view what, std::string_view remedy) const {
    BOOST_REQUIRE(faults.size() == 1U);
    BOOST_TEST((faults[0].at == at));
    BOOST_TEST(faults[0].what == what);
    BOOST_TEST(faults[0].remedy == remedy);
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(runtime_config, config_fixture, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(a_misspelled_word_suggests_the_closest_one) {
  const std::vector<std::string> keys{"replicas", "nodes", "store", "name"};

  BOOST_TEST(did_you_mean("replicsa", keys) == ", did you mean `replicas`?"); // Swapped.
  BOOST_TEST(did_you_mean("replica", keys) == ", did you mean `replicas`?");  // Left out.
  BOOST_TEST(did_you_mean("nodess", keys) == ", did you mean `nodes`?");      // Added.
  BOOST_TEST(did_you_mean("stare", keys) == ", did you mean `store`?");       // Changed.
}

BOOST_AUTO_TEST_CASE(words_that_are_equally_close_are_all_suggested) {
  BOOST_TEST(did_you_mean("n3", {"n1", "n2", "other"}) == ", did you mean `n1` or `n2`?");
}

BOOST_AUTO_TEST_CASE(a_word_that_is_not_close_suggests_nothing) {
  BOOST_TEST(did_you_mean("volcano", {"replicas", "nodes"}) == "");
  BOOST_TEST(did_you_mean("a", {"b"}) == "");
  BOOST_TEST(did_you_mean("", {"b"}) == "");
  BOOST_TEST(did_you_mean(std::string(100'000, 'a'), {std::string(100'000, 'b')}) == "");
}

// The distance without bounds, by its definition.
std::size_t slow_distance(std::string_view from, std::string_view to) {
  if (from.empty() || to.empty()) {
    return from.size() + to.size();
  }
  const std::string_view shorter_from = from.substr(1);
  const std::string_view shorter_to = to.substr(1);
  std::size_t least = std::min(
      {slow_distance(shorter_from, to) + 1,
       slow_distance(from, shorter_to) + 1,
       slow_distance(shorter_from, shorter_to) + (from[0] == to[0] ? 0U : 1U)});
  if (from.size() > 1 && to.size() > 1 && from[0] == to[1] && from[1] == to[0]) {
    least = std::min(least, slow_distance(from.substr(2), to.substr(2)) + 1);
  }
  return least;
}

BOOST_AUTO_TEST_CASE(what_is_suggested_is_what_is_close_by_the_definition) {
  std::minstd_rand random{7};
  for (int round = 0; round < 2'000; ++round) {
    std::string word;
    std::string other;
    for (std::string* each : {&word, &other}) {
      for (auto left = 3U + random() % 5U; left != 0; --left) {
        each->push_back(static_cast<char>('a' + random() % 3U));
      }
    }
    const std::size_t distance = slow_distance(word, other);
    const std::size_t most = std::clamp<std::size_t>(word.size() / 3, 1, 3);
    const bool is_close =
        word != other && distance <= most && distance < std::max(word.size(), other.size());

    BOOST_TEST(did_you_mean(word, {other}).empty() == !is_close, word << " and " << other);
  }
}

BOOST_AUTO_TEST_CASE(durations_need_a_unit) {
  BOOST_TEST((parse_duration("250ms") == 250ms));
  BOOST_TEST((parse_duration("0s") == 0ms));
  BOOST_TEST((parse_duration("5s") == 5s));
  BOOST_TEST((parse_duration("1m") == 1min));
  BOOST_TEST((parse_duration("2h") == 2h));
  BOOST_TEST((parse_duration("7d") == 7 * 24h));
  for (const auto* text :
       {"",
        "60",
        "s",
        "-5s",
        "+5s",
        "5 s",
        " 5s",
        "5s ",
        "1.5s",
        "5S",
        "5sec",
        "0x5s",
        "99999999999999999999s",
        "9999999999999999d"}) {
    BOOST_TEST_CONTEXT(text) {
      BOOST_TEST(!parse_duration(text).has_value());
    }
  }
}

BOOST_AUTO_TEST_CASE(sizes_are_bytes_or_have_a_binary_unit) {
  BOOST_TEST(parse_size("4096").value() == 4'096U);
  BOOST_TEST(parse_size("16KiB").value() == 16U << 10U);
  BOOST_TEST(parse_size("1MiB").value() == 1U << 20U);
  BOOST_TEST(parse_size("2GiB").value() == 2ULL << 30U);
  for (const auto* text : {"", "KiB", "-1", "1kb", "1KB", "1 KiB", "1.5MiB", "99999999999GiB"}) {
    BOOST_TEST_CONTEXT(text) {
      BOOST_TEST(!parse_size(text).has_value());
    }
  }
}

BOOST_AUTO_TEST_CASE(durations_and_sizes_are_written_as_they_are_read) {
  for (const auto* text : {"1ms", "1500ms", "5s", "90s", "1m", "2h", "7d"}) {
    BOOST_TEST(troupe::duration_text(parse_duration(text).value()) == text);
  }
  BOOST_TEST(troupe::duration_text(0ms) == "0ms");
  for (const auto* text : {"1KiB", "64KiB", "1MiB", "2GiB"}) {
    BOOST_TEST(troupe::size_text(parse_size(text).value()) == text);
  }
  BOOST_TEST(troupe::size_text(1'023) == "1023 bytes");
  BOOST_TEST(troupe::size_text(0) == "0 bytes");
  BOOST_TEST(troupe::size_text(1'500) == "1.5KiB");
  BOOST_TEST(troupe::size_text(1'536) == "1.5KiB");
  BOOST_TEST(troupe::size_text((1U << 20U) - 1) == "1.0MiB");
  BOOST_TEST(troupe::size_text((1U << 20U) - 100) == "1023.9KiB");
}

BOOST_AUTO_TEST_CASE(good_values_are_read_without_a_fault) {
  add("text", "n1");
  add("integer", "-3");
  add("number", "0.25");
  add("boolean", "true");
  add("duration", "5s");
  add("size", "1KiB");
  config_tree list{.is = config_tree::kind::list};
  list.items = {scalar("a", 8), scalar("b", 8)};
  add("texts", list);
  add("tree", config_tree{.is = config_tree::kind::map});

  auto in = reader();
  BOOST_TEST(in.text("text").value() == "n1");
  BOOST_TEST(in.integer("integer", -3, 3).value() == -3);
  BOOST_TEST(in.number("number", 0, 1).value() == 0.25);
  BOOST_TEST(in.boolean("boolean").value());
  BOOST_TEST((in.duration("duration", 5s, 5s) == 5s));
  BOOST_TEST(in.size("size", 1'024, 1'024).value() == 1'024U);
  BOOST_TEST((in.texts("texts") == std::vector<std::string>{"a", "b"}));
  BOOST_TEST(in.tree("tree") == &map.entries.back().value);
  in.finish();

  BOOST_TEST(faults.empty());
}

BOOST_AUTO_TEST_CASE(absent_keys_are_nothing_and_no_fault) {
  auto in = reader();

  BOOST_TEST(!in.text("key").has_value());
  BOOST_TEST(!in.integer("key", 0, 1).has_value());
  BOOST_TEST(!in.number("key", 0, 1).has_value());
  BOOST_TEST(!in.boolean("key").has_value());
  BOOST_TEST(!in.duration("key", 0s, 1s).has_value());
  BOOST_TEST(!in.size("key", 0, 1).has_value());
  BOOST_TEST(!in.texts("key").has_value());
  BOOST_TEST(in.tree("key") == nullptr);
  in.finish();
  BOOST_TEST(faults.empty());
}

BOOST_AUTO_TEST_CASE(an_integer_out_of_range_says_the_range) {
  add("replicas", "11");

  BOOST_TEST(!reader().integer("replicas", 1, 10).has_value());
  check_only_fault({2, 7}, "`replicas` of node `n1` is `11`", "write a whole number from 1 to 10");
}

BOOST_AUTO_TEST_CASE(what_is_no_whole_number_is_no_integer) {
  for (const auto* text : {"", "two", "1.0", "1e3", "0x1", "+1", " 1", "99999999999999999999"}) {
    map.entries.clear();
    faults.clear();
    add("replicas", text);

    const auto most = std::numeric_limits<std::int64_t>::max();
    BOOST_TEST(!reader().integer("replicas", 0, most).has_value());
    BOOST_TEST(faults.size() == 1U);
  }
}

// YAML 1.1 takes 010 for 8, YAML 1.2 for 10.
BOOST_AUTO_TEST_CASE(an_integer_with_a_zero_in_front_is_refused_in_words) {
  add("replicas", "010");

  BOOST_TEST(!reader().integer("replicas", 1, 10).has_value());
  check_only_fault(
      {2, 7},
      "`replicas` of node `n1` is `010`",
      "write a whole number from 1 to 10, without a zero in front");
  BOOST_TEST(troupe::has_idle_zero("-01"));
  for (const char* const good : {"", "0", "-0", "10", "0.5", "0x1"}) {
    BOOST_TEST(!troupe::has_idle_zero(good), good);
  }
}

BOOST_AUTO_TEST_CASE(what_is_not_finite_is_no_number) {
  for (const auto* text : {"nan", "inf", "-inf", "1e999", "", "half", "1,5"}) {
    map.entries.clear();
    faults.clear();
    add("rate", text);

    BOOST_TEST(!reader().number("rate", -1e300, 1e300).has_value());
    BOOST_TEST(faults.size() == 1U);
  }
}

BOOST_AUTO_TEST_CASE(only_true_and_false_are_boolean) {
  add("batch", "yes");

  BOOST_TEST(!reader().boolean("batch").has_value());
  check_only_fault({2, 7}, "`batch` of node `n1` is `yes`", "write true or false");
}

BOOST_AUTO_TEST_CASE(a_duration_without_unit_is_shown_with_one) {
  add("timeout", "60");

  BOOST_TEST(!reader().duration("timeout", 1s, 1h).has_value());
  check_only_fault(
      {2, 7}, "`timeout` of node `n1` is `60`, a duration without unit", "add a unit, such as 60s");
}

BOOST_AUTO_TEST_CASE(a_size_out_of_range_says_the_range_in_units) {
  add("body", "1");

  BOOST_TEST(!reader().size("body", 1'024, 1U << 20U).has_value());
  check_only_fault(
      {2, 7},
      "`body` of node `n1` is `1`",
      "write a size from 1KiB to 1MiB, in bytes or with KiB, MiB or GiB");
}

BOOST_AUTO_TEST_CASE(a_list_of_texts_reports_each_item_that_is_none) {
  config_tree list{.is = config_tree::kind::list};
  list.items = {scalar("a", 8), {.is = config_tree::kind::map, .at = {9, 1}}, {}};
  add("nodes", list);

  BOOST_TEST(!reader().texts("nodes").has_value());
  BOOST_REQUIRE(faults.size() == 2U);
  BOOST_TEST((faults[0].at == troupe::file_position{9, 1}));
  BOOST_TEST(faults[0].what == "an item of `nodes` of node `n1` is a map");
}

BOOST_AUTO_TEST_CASE(a_single_value_is_no_list_and_a_map_no_value) {
  add("nodes", "n1");
  add("name", config_tree{.is = config_tree::kind::map});

  BOOST_TEST(!reader().texts("nodes").has_value());
  BOOST_TEST(!reader().text("name").has_value());
  BOOST_REQUIRE(faults.size() == 2U);
  BOOST_TEST(faults[0].what == "`nodes` of node `n1` is a single value, not a list");
  BOOST_TEST(faults[1].what == "`name` of node `n1` is a map");
}

BOOST_AUTO_TEST_CASE(a_key_nobody_asked_for_is_reported_where_it_stands) {
  add("hots", "here");
  add("volcano", "x");

  auto in = reader();
  in.text("host");
  in.finish();

  BOOST_REQUIRE(faults.size() == 2U);
  BOOST_TEST((faults[0].at == troupe::file_position{2, 3}));
  BOOST_TEST(faults[0].what == "unknown key `hots` in node `n1`");
  BOOST_TEST(faults[0].remedy == "did you mean `host`?");
  BOOST_TEST(faults[1].remedy == "the keys here are host");
}

BOOST_AUTO_TEST_CASE(a_required_key_that_is_missing_is_reported_at_the_map) {
  auto in = reader();
  in.require("listen", "say where it listens");

  check_only_fault({1, 5}, "node `n1` has no `listen`", "say where it listens");
}

BOOST_AUTO_TEST_CASE(an_empty_value_reads_as_an_empty_map_but_a_list_does_not) {
  map = {.is = config_tree::kind::null, .at = {1, 5}};
  reader().finish();
  BOOST_TEST(faults.empty());

  map.is = config_tree::kind::list;
  reader();
  check_only_fault({1, 5}, "node `n1` is a list, not a map", "write its keys as `key: value`");
}

BOOST_AUTO_TEST_CASE(an_own_fault_names_the_key_and_stands_at_its_value) {
  add("listen", "udp://x");

  reader().add_fault("listen", "is no endpoint", "write tcp://HOST:PORT");

  check_only_fault({2, 7}, "`listen` of node `n1` is no endpoint", "write tcp://HOST:PORT");
}

BOOST_AUTO_TEST_SUITE_END()
