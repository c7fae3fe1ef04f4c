#include "runtime/contract/body_comparison.hpp"

#include <boost/test/unit_test.hpp>

#include <optional>
#include <string>
#include <vector>

namespace utf = boost::unit_test;
using namespace troupe;
using contract::json;

namespace {

std::vector<std::string> compared(
    const json& expected,
    const json& actual,
    const json& rules = json::object(),
    contract::surplus more = contract::surplus::allowed) {
  std::optional<error> fault;
  const auto set = contract::rule_set::read({rules, {}, fault}, "body");
  BOOST_REQUIRE_MESSAGE(!fault, (fault ? fault->message : ""));
  std::vector<std::string> lines;
  for (const auto& each : contract::compare_json(expected, actual, set, more)) {
    lines.push_back(each.where + ": " + each.what);
  }
  return lines;
}

json rule(const char* text) {
  return {{"matchers", json::array({json::parse(text)})}};
}

using texts = std::vector<std::string>;

} // namespace

BOOST_AUTO_TEST_SUITE(contract_body_comparison, *utf::label("unit") * utf::timeout(10))

BOOST_AUTO_TEST_CASE(without_rules_all_is_compared_by_value) {
  const json expected = json::parse(R"({"id":1,"name":"Ada","tags":["a","b"],"at":{"x":null}})");

  BOOST_TEST(compared(expected, expected) == texts{}, boost::test_tools::per_element());
  BOOST_TEST(
      compared(expected, json::parse(R"({"id":"1","tags":["a","c","d"],"at":5})"))
          == (texts{
              "$.name: is missing, wanted such as \"Ada\" (text)",
              "$.at: wanted {\"x\":null} (object), got 5 (integer)",
              "$.id: wanted 1 (integer), got \"1\" (text)",
              "$.tags: wanted 2 items, got 3",
              "$.tags[1]: wanted \"b\" (text), got \"c\" (text)"}),
      boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(more_members_harm_requests_only) {
  BOOST_TEST(compared({{"a", 1}}, {{"a", 1}, {"b", 2}}).empty());
  BOOST_TEST(
      compared({{"a", 1}}, {{"a", 1}, {"b", 2}}, json::object(), contract::surplus::refused)
          == texts{"$.b: is not expected, got 2 (integer)"},
      boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_rule_holds_for_what_is_inside_unless_a_better_one_does) {
  const json expected = json::parse(R"({"items":[{"sku":"a","count":1}]})");
  const json rules{
      {"$.items", rule(R"({"match":"type","min":1})")},
      {"$.items[*].sku", rule(R"({"match":"regex","regex":"^[a-z]+$"})")}};

  BOOST_TEST(compared(
                 expected,
                 json::parse(R"({"items":[{"sku":"b","count":2},{"sku":"c","count":3}]})"),
                 rules)
                 .empty());
  BOOST_TEST(
      compared(expected, json::parse(R"({"items":[{"sku":"B","count":"2"},{"count":3}]})"), rules)
          == (texts{
              "$.items[0].count: wanted number, such as 1 (integer), got \"2\" (text)",
              "$.items[0].sku: wanted what matches /^[a-z]+$/, got \"B\" (text)",
              "$.items[1].sku: is missing, wanted such as \"a\" (text)"}),
      boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_number_of_items_counts_at_its_own_place_only) {
  const json rules{{"$.rows", rule(R"({"match":"type","min":2})")}};
  const json expected = json::parse(R"({"rows":[[1],[1]]})");

  BOOST_TEST(compared(expected, json::parse(R"({"rows":[[1],[2]]})"), rules).empty());
  BOOST_TEST(compared(expected, json::parse(R"({"rows":[[1]]})"), rules).size() == 1);
}

BOOST_AUTO_TEST_CASE(each_value_is_compared_by_its_own_rules_and_those_of_deeper_paths) {
  const json expected = json::parse(R"({"ada":{"age":30,"mail":"a@x"}})");
  const json rules{
      {"$", rule(R"({"match":"eachValue","rules":[{"match":"type"}]})")},
      {"$.*.mail", rule(R"({"match":"include","value":"@"})")}};

  BOOST_TEST(compared(expected, json::parse(R"({"bob":{"age":31,"mail":"b@y"}})"), rules).empty());
  BOOST_TEST(
      compared(expected, json::parse(R"({"bob":{"age":"31","mail":"b"}})"), rules)
          == (texts{
              "$.bob.age: wanted number, such as 30 (integer), got \"31\" (text)",
              "$.bob.mail: wanted what includes \"@\", got \"b\" (text)"}),
      boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(one_of_two_rules_is_enough_where_the_contract_says_so) {
  const json either{
      {"$.a",
       {{"combine", "OR"},
        {"matchers", json::array({{{"match", "integer"}}, {{"match", "null"}}})}}}};

  BOOST_TEST(compared({{"a", 1}}, {{"a", nullptr}}, either).empty());
  BOOST_TEST(compared({{"a", 1}}, {{"a", 2}}, either).empty());
  BOOST_TEST(!compared({{"a", 1}}, {{"a", "x"}}, either).empty());
  // An object that may be null.
  const json object_or_null{
      {"$.a",
       {{"combine", "OR"}, {"matchers", json::array({{{"match", "type"}}, {{"match", "null"}}})}}}};
  const json expected{{"a", {{"b", 1}}}};
  BOOST_TEST(compared(expected, {{"a", nullptr}}, object_or_null).empty());
  BOOST_TEST(compared(expected, {{"a", {{"b", 2}}}}, object_or_null).empty());
  BOOST_TEST(!compared(expected, {{"a", "x"}}, object_or_null).empty());
  BOOST_TEST(!compared(expected, {{"a", {{"c", 2}}}}, object_or_null).empty());
  BOOST_TEST(!compared(expected, {{"a", nullptr}}, {{"$.a", rule(R"({"match":"type"})")}}).empty());
}

BOOST_AUTO_TEST_CASE(equality_holds_against_a_wider_rule_around_it) {
  const json rules{{"$", rule(R"({"match":"type"})")}, {"$.kind", rule(R"({"match":"equality"})")}};

  BOOST_TEST(compared({{"kind", "order"}, {"n", 1}}, {{"kind", "order"}, {"n", 2}}, rules).empty());
  BOOST_TEST(
      !compared({{"kind", "order"}, {"n", 1}}, {{"kind", "Order"}, {"n", 2}}, rules).empty());
}

BOOST_AUTO_TEST_SUITE_END()
