#include "runtime/strangler/comparison.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace utf = boost::unit_test;

namespace troupe::strangler {

namespace {

http::response json(std::string body, int status = 200) {
  return http::with_body(status, "application/json; charset=utf-8", std::move(body));
}

/// "AT: WHAT" of each difference, with blanks between.
std::string found(
    const http::response& legacy,
    const http::response& modern,
    const comparison_rules& rules = {}) {
  std::string all;
  for (const difference& each : differences_of(legacy, modern, rules)) {
    all += (all.empty() ? "" : "; ") + each.at + ": " + each.what;
  }
  return all;
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_strangler_comparison, *utf::label("unit") * utf::timeout(60))

BOOST_AUTO_TEST_CASE(the_same_value_in_another_form_is_no_difference) {
  BOOST_TEST(
      found(
          json(R"({"a": 1, "b": [1.0, "\u00e4"], "c": 1e2})"),
          json(R"({"c":100,"b":[1,"ä"],"a":1})"))
      == "");
}

BOOST_AUTO_TEST_CASE(a_difference_is_told_by_its_pointer_and_holds_no_value) {
  BOOST_TEST(
      found(
          json(R"({"id": 7, "name": "Ann", "tags": ["a", "b"], "a/b": true, "gone": null})"),
          json(R"({"id": "7", "name": "Bob", "tags": ["a"], "a/b": false, "new": 1})"))
      == "/a~1b: another boolean; /gone: missing; /id: a text, not a number; /name: another text; "
         "/new: not there in legacy; /tags/1: missing");
  BOOST_TEST(found(json("[]"), json("{}")) == "body: an object, not a list");
}

BOOST_AUTO_TEST_CASE(integers_that_a_double_cannot_hold_are_told_apart) {
  BOOST_TEST(found(json("9007199254740993"), json("9007199254740992")) == "body: another number");
  BOOST_TEST(found(json("9007199254740993"), json("9007199254740992.0")) == "body: another number");
  BOOST_TEST(found(json("18446744073709551615"), json("-1")) == "body: another number");
}

BOOST_AUTO_TEST_CASE(what_is_ignored_is_passed_over_with_all_below) {
  const comparison_rules rules{.ignored = {"/at", "/items/*/etag", "/meta"}};

  BOOST_TEST(
      found(
          json(
              R"({"at": 1, "items": [{"etag": 1, "n": 1}, {"etag": 2, "n": 2}], "meta": {"x": 1}})"),
          json(R"({"items": [{"etag": 8, "n": 1}, {"n": 3}], "meta": {"y": 1}})"),
          rules)
      == "/items/1/n: another number");
}

BOOST_AUTO_TEST_CASE(another_status_is_the_only_difference) {
  BOOST_TEST(found(json("{}"), json("[]", 404)) == "status: 404, not 200");
}

BOOST_AUTO_TEST_CASE(the_words_of_the_same_error_are_not_compared) {
  BOOST_TEST(found(json("{}", 404), http::with_body(404, "text/html", "<p>no</p>")) == "");
}

BOOST_AUTO_TEST_CASE(fields_are_compared_where_the_rules_name_them) {
  auto legacy = json("{}");
  auto modern = json("{}");
  legacy.fields.emplace_back("Cache-Control", "no-store");
  modern.fields.emplace_back("cache-control", "private");
  modern.fields.emplace_back("etag", "1");

  BOOST_TEST(found(legacy, modern) == "");
  BOOST_TEST(
      found(legacy, modern, {.fields = {"cache-control", "etag", "vary"}})
      == "field cache-control: another value; field etag: not there in legacy");
  // A field may stand in several lines.
  const comparison_rules cookies{.fields = {"set-cookie"}};
  legacy.fields = {{"Set-Cookie", "a=1"}, {"Set-Cookie", "b=2"}};
  modern.fields = {{"Set-Cookie", "a=1"}};
  BOOST_TEST(found(legacy, modern, cookies) == "field set-cookie: another value");
  modern.fields.emplace_back("set-cookie", "b=2");
  BOOST_TEST(found(legacy, modern, cookies) == "");
}

BOOST_AUTO_TEST_CASE(what_is_no_json_is_compared_byte_by_byte) {
  BOOST_TEST(
      found(http::with_body(200, "text/plain", "a"), http::with_body(200, "text/plain", "b"))
      == "body: other bytes");
  BOOST_TEST(found(json("{\"a\": "), json("{}")) == "body: other bytes");
  BOOST_TEST(found(json("{\"a\": "), json("{\"a\": ")) == "");
}

BOOST_AUTO_TEST_CASE(what_is_found_and_looked_at_is_bounded) {
  std::string many = "[0";
  for (int i = 0; i < 1'000; ++i) {
    many += ",0";
  }
  BOOST_TEST(differences_of(json(many + "]"), json("[]"), {}).size() == differences_max);

  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  BOOST_TEST(differences_of(json(deep), json(deep), {}).size() == 1U);

  const std::string large(compared_bytes_max + 1, ' ');
  BOOST_TEST(found(json(large), json(large)) == "body: larger than is compared");
}

BOOST_AUTO_TEST_CASE(only_reading_is_safe_to_ask_twice) {
  BOOST_TEST(is_safe(http::method::get));
  BOOST_TEST(is_safe(http::method::head));
  for (const auto each :
       {http::method::post,
        http::method::put,
        http::method::patch,
        http::method::erase,
        http::method::options}) {
    BOOST_TEST(!is_safe(each));
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::strangler
