#include "runtime/contract/body_comparison.hpp"
#include "runtime/contract/regular_expression.hpp"
#include "runtime/contract/time_pattern.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

namespace utf = boost::unit_test;
using namespace troupe;
using contract::json;

namespace {

/// The faults of `actual` where `expected` is under `rule`, at the root of a body.
contract::differences under(const char* rule, const json& expected, const json& actual) {
  std::optional<error> fault;
  const json rules{{"$", {{"matchers", json::array({json::parse(rule)})}}}};
  const auto set = contract::rule_set::read({rules, {}, fault}, "body");
  BOOST_REQUIRE_MESSAGE(!fault, (fault ? fault->message : ""));
  return contract::compare_json(expected, actual, set, contract::surplus::allowed);
}

std::string fault_of(const char* rule) {
  std::optional<error> fault;
  const json rules{{"$", {{"matchers", json::array({json::parse(rule)})}}}};
  contract::rule_set::read({rules, {}, fault}, "body");
  return fault ? fault->message : "";
}

struct rule_case {
  const char* rule;
  json expected;
  json good;
  json bad;
};

const std::vector<rule_case> cases{
    {R"({"match":"equality"})", 5, 5, 6},
    {R"({"match":"equality"})", 1, 1, 1.0},
    {R"({"match":"regex","regex":"^o\\d+$"})", "o1", "o23", "x1"},
    // The letters of "null" and of a list are no text of theirs.
    {R"({"match":"regex","regex":"[a-z]+"})", "ada", "bob", nullptr},
    {R"({"match":"regex","regex":".*"})", "ada", "", json::array({"a"})},
    {R"({"match":"regex","regex":"[0-9]+"})", "1", 23, "x"},
    {R"({"match":"include","value":"ul"})", "full", "null", nullptr},
    {R"({"match":"semver"})", "1.0.0", "1.0.1", nullptr},
    {R"({"match":"type"})", "a", "b", 5},
    {R"({"match":"type"})", 5, 6.5, "6"},
    {R"({"match":"type"})", nullptr, nullptr, 1},
    {R"({"match":"type","min":2})",
     json::array({"a"}),
     json::array({"b", "c"}),
     json::array({"b"})},
    {R"({"match":"type","max":1})",
     json::array({"a"}),
     json::array({"b"}),
     json::array({"b", "c"})},
    {R"({"match":"type","min":1,"max":2})", json::array({"a"}), json::array({"b"}), json::array()},
    {R"({"match":"include","value":"da"})", "Ada", "Idaho", "Bob"},
    {R"({"match":"number"})", 1, 2.5, "2.5"},
    {R"({"match":"integer"})", 1, 2, 2.0},
    {R"({"match":"decimal"})", 1.5, 2.5, 2},
    {R"({"match":"boolean"})", true, false, "false"},
    {R"({"match":"null"})", nullptr, nullptr, 0},
    {R"({"match":"notEmpty"})", "a", "b", ""},
    {R"({"match":"semver"})", "1.0.0", "2.10.3-rc.1+b5", "1.0"},
    {R"({"match":"date"})", "2026-11-29", "2024-02-29", "2023-02-29"},
    {R"({"match":"time"})", "10:00:00", "23:59:59", "24:00:00"},
    {R"({"match":"datetime"})",
     "2026-11-29T10:00:00Z",
     "2026-11-29T10:00:00+01:00",
     "2026-11-29 10:00:00"},
    {R"({"match":"contentType","value":"application/json"})", "{}", "[1]", "{"},
    {R"({"match":"values"})", {{"a", "x"}}, {{"b", "x"}}, {{"b", "y"}}},
    {R"({"match":"eachKey","rules":[{"match":"regex","regex":"^k\\d$"}]})",
     {{"k1", "x"}},
     {{"k2", "y"}},
     {{"x", "x"}}},
    {R"({"match":"eachValue","rules":[{"match":"type"}]})", {{"a", "x"}}, {{"b", "y"}}, {{"b", 5}}},
    {R"({"match":"eachValue","rules":[{"match":"integer"}]})",
     json::array({1}),
     json::array({2, 3}),
     json::array({2, "3"})},
    {R"({"match":"arrayContains","variants":[{"index":0,"rules":{"$.n":{"matchers":[{"match":"integer"}]}}}]})",
     json::array({{{"n", 1}}}),
     json::array({"x", {{"n", 7}}}),
     json::array({{{"n", "7"}}})},
    {R"({"match":"arrayContains","variants":[]})",
     json::array({1, 2}),
     json::array({3, 2, 1}),
     json::array({1})}};

} // namespace

BOOST_AUTO_TEST_SUITE(contract_rules, *utf::label("unit") * utf::timeout(10))

BOOST_AUTO_TEST_CASE(each_matcher_lets_good_values_pass_and_tells_what_is_wrong_with_bad_ones) {
  for (const rule_case& each : cases) {
    const auto good = under(each.rule, each.expected, each.good);
    const auto bad = under(each.rule, each.expected, each.bad);

    BOOST_TEST(
        good.empty(),
        each.rule << " on " << each.good << ": " << (good.empty() ? "" : good[0].what));
    BOOST_TEST(!bad.empty(), each.rule << " on " << each.bad);
  }
}

BOOST_AUTO_TEST_CASE(a_fault_names_what_was_wanted_and_what_came) {
  const auto found = under(R"({"match":"integer"})", 1, "five");

  BOOST_REQUIRE(found.size() == 1);
  BOOST_TEST(found[0].where == "$");
  BOOST_TEST(found[0].what == "wanted an integer, got \"five\" (text)");
}

BOOST_AUTO_TEST_CASE(a_rule_that_cannot_be_applied_is_refused) {
  BOOST_TEST(fault_of(R"({"match":"telepathy"})").find("`telepathy`") != std::string::npos);
  BOOST_TEST(fault_of(R"({"match":"regex","regex":"("})").find("regular") != std::string::npos);
  BOOST_TEST(fault_of(R"({"match":"date","format":"yyyy-QQ"})").find("`Q`") != std::string::npos);
  BOOST_TEST(
      fault_of(R"({"match":"type","min":"2"})") == "$.matchers[0].min: a whole number is wanted");
  BOOST_TEST(
      fault_of(R"({"match":"statusCode","status":"fine"})").find("`fine`") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_expression_matches_all_of_a_text) {
  BOOST_TEST(under(R"({"match":"regex","regex":"a|ab"})", "a", "ab").empty());
  BOOST_TEST(!under(R"({"match":"regex","regex":"a|ab"})", "a", "abc").empty());
}

BOOST_AUTO_TEST_CASE(a_costly_expression_gives_up) {
  const auto costly = contract::regular_expression::compile("^(a+)+$");
  BOOST_REQUIRE(costly.has_value());

  const auto answer = costly->match(std::string(40, 'a') + "b");

  BOOST_TEST((answer == contract::regular_expression::answer::too_costly));
}

BOOST_AUTO_TEST_CASE(a_long_text_needs_no_stack) {
  const auto simple = contract::regular_expression::compile("^(a|b)*$");
  BOOST_REQUIRE(simple.has_value());

  BOOST_TEST(
      (simple->match(std::string(100'000, 'a')) == contract::regular_expression::answer::fits));
}

BOOST_AUTO_TEST_CASE(times_fit_their_patterns) {
  struct time_case {
    const char* pattern;
    const char* good;
    const char* bad;
  };

  for (const time_case& each : std::vector<time_case>{
           {"yyyy-MM-dd'T'HH:mm:ss.SSSX", "2026-11-29T10:00:00.123Z", "2026-11-29T10:00:00Z"},
           {"yyyy-MM-dd'T'HH:mm:ssXXX", "2026-11-29T10:00:00-03:30", "2026-11-29T10:00:00-0330"},
           {"EEE, d MMM yyyy HH:mm:ss Z",
            "Sun, 29 Nov 2026 10:00:00 +0000",
            "Sonntag, 29 Nov 2026"},
           {"hh:mm a", "10:05 PM", "13:05 PM"},
           {"dd.MM.yy", "29.11.26", "31.11.26"},
           {"yyyyMMddHHmmss", "20261129100000", "2026112910000"},
           {"h 'o''clock'", "3 o'clock", "3 oclock"}}) {
    BOOST_TEST(contract::check_time_pattern(each.pattern).has_value());
    BOOST_TEST(contract::fits_time_pattern(each.good, each.pattern), each.pattern);
    BOOST_TEST(!contract::fits_time_pattern(each.bad, each.pattern), each.pattern);
  }
  BOOST_TEST(!contract::check_time_pattern("'T").has_value());
}

BOOST_AUTO_TEST_CASE(paths_are_read_or_refused) {
  for (const char* good : {"$", "$.a.b", "$.a[0]", "$[*].x", "$.*", "$['a b'].c", "$['a[0]'].c"}) {
    BOOST_TEST(contract::rule_path::parse(good).has_value(), good);
  }
  for (const char* bad : {"", "a", "$a", "$.", "$..a", "$[", "$[a]", "$['a"}) {
    BOOST_TEST(!contract::rule_path::parse(bad).has_value(), bad);
  }
}

BOOST_AUTO_TEST_CASE(the_path_that_fits_best_counts) {
  const auto weight = [](const char* path, const contract::json_place& at) {
    return contract::rule_path::parse(path)->weight(at);
  };
  const auto at = contract::json_place{}.child("a").child(std::size_t{3}).child("b c");

  BOOST_TEST(at.text() == "$.a[3]['b c']");
  BOOST_TEST(weight("$.a[3]['b c']", at) > weight("$.a[*]['b c']", at));
  BOOST_TEST(weight("$.a[*]['b c']", at) > weight("$.a[*].*", at));
  BOOST_TEST(weight("$.a", at) > 0);
  BOOST_TEST(weight("$.b", at) == 0);
  BOOST_TEST(weight("$.a[3]['b c'].d", at) == 0);
  BOOST_TEST(weight("$[*]", at) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
