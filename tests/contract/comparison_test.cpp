#include "runtime/contract/comparison.hpp"

#include "runtime/contract/pact_file.hpp"
#include "runtime/contract/state_values.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <variant>
#include <vector>

namespace utf = boost::unit_test;
using namespace troupe;
using namespace troupe::contract;

namespace {

template <class Kind>
Kind read(const char* text) {
  auto made = read_interaction(json::parse(text));
  BOOST_REQUIRE_MESSAGE(made.has_value(), (made ? "" : made.error().message));
  return std::get<Kind>(made->what);
}

std::vector<std::string> lines(const differences& found) {
  std::vector<std::string> all;
  for (const difference& each : found) {
    all.push_back(each.where + ": " + each.what);
  }
  return all;
}

using texts = std::vector<std::string>;

constexpr const char* user_by_id = R"({
  "type": "Synchronous/HTTP", "description": "a user",
  "request": {"method": "GET", "path": "/users/123", "query": {"full": ["1"]},
    "headers": {"Accept": ["application/json"]},
    "matchingRules": {"path": {"matchers": [{"match": "regex", "regex": "^/users/\\d+$"}]},
      "query": {"full": {"matchers": [{"match": "integer"}]}}}},
  "response": {"status": 200, "headers": {"Content-Type": ["application/json"], "ETag": ["\"1\""]},
    "body": {"content": {"id": 123, "name": "Ada"}, "contentType": "application/json", "encoded": false},
    "matchingRules": {"body": {"$.name": {"matchers": [{"match": "type"}]}},
      "header": {"ETag": {"matchers": [{"match": "regex", "regex": "^\".+\"$"}]}}}}})";

} // namespace

BOOST_AUTO_TEST_SUITE(contract_comparison, *utf::label("unit") * utf::timeout(10))

BOOST_AUTO_TEST_CASE(a_request_is_compared_part_by_part) {
  const auto expected = read<http_exchange>(user_by_id).request;

  BOOST_TEST(
      compare(
          expected,
          actual_request{
              "GET", "/users/7", {{"full", "2"}}, {{"accept", "application/json"}, {"x", "y"}}})
          .empty());
  BOOST_TEST(
      lines(
          compare(expected, actual_request{"POST", "/user/7", {{"full", "x"}, {"page", "1"}}, {}}))
          == (texts{
              "method: wanted \"GET\", got \"POST\"",
              "path: wanted what matches /^/users/\\d+$/, got \"/user/7\" (text)",
              "parameter full: wanted an integer, got \"x\" (text)",
              "parameter page: is not expected, got \"1\" (text)",
              "field Accept: is missing, wanted such as \"application/json\""}),
      boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_response_is_compared_part_by_part) {
  const auto expected = read<http_exchange>(user_by_id).response;

  BOOST_TEST(compare(
                 expected,
                 actual_response{
                     200,
                     {{"content-type", "application/json; charset=utf-8"}, {"etag", "\"9\""}},
                     R"({"id":123,"name":"Bob","more":1})"})
                 .empty());
  BOOST_TEST(
      lines(compare(
          expected,
          actual_response{
              404, {{"content-type", "application/json"}, {"etag", "9"}}, R"({"id":"123"})"}))
          == (texts{
              "status: wanted 200, got 404",
              "field ETag: wanted what matches /^\".+\"$/, got \"9\" (text)",
              "$.name: is missing, wanted such as \"Ada\" (text)",
              "$.id: wanted 123 (integer), got \"123\" (text)"}),
      boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_body_that_is_no_json_or_of_another_type_is_told) {
  const auto expected = read<http_exchange>(user_by_id).response;
  const actual_response html{200, {{"content-type", "text/html"}, {"etag", "\"1\""}}, "<p>"};
  const actual_response broken{200, {{"content-type", "application/json"}, {"etag", "\"1\""}}, "{"};

  BOOST_TEST(
      lines(compare(expected, html)).back()
      == "content type: wanted \"application/json\", got \"text/html\"");
  BOOST_TEST(
      lines(compare(expected, broken)).back().substr(0, 33)
      == "body: wanted JSON, got \"{\" (text)");
}

BOOST_AUTO_TEST_CASE(a_problem_is_json_too) {
  auto expected = read<http_exchange>(
      R"({"type":"Synchronous/HTTP","description":"none","request":{"method":"GET","path":"/"},
      "response":{"status":404,"body":{"content":{"code":"rejected"},"contentType":"application/json","encoded":false}}})");

  BOOST_TEST(compare(
                 expected.response,
                 actual_response{
                     404, {{"content-type", "application/problem+json"}}, R"({"code":"rejected"})"})
                 .empty());
}

BOOST_AUTO_TEST_CASE(a_status_may_be_one_of_a_class) {
  const auto expected = read<http_exchange>(
      R"({"type":"Synchronous/HTTP","description":"any","request":{"method":"GET","path":"/"},
      "response":{"status":200,"matchingRules":{"status":{"matchers":[{"match":"statusCode","status":"success"}]}}}})");

  BOOST_TEST(compare(expected.response, actual_response{204}).empty());
  BOOST_TEST(
      lines(compare(expected.response, actual_response{404}))
          == texts{"status: wanted 200 to 299, got 404 (integer)"},
      boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_a_state_answered_takes_the_place_of_the_example) {
  const auto request =
      read<http_exchange>(
          R"({"type":"Synchronous/HTTP","description":"a","request":{"method":"POST","path":"/users/1",
      "query":{"of":["1"]},"headers":{"X-Id":["1"]},
      "body":{"content":{"id":1,"items":[{"of":"1"},{"of":"2"}],"name":"Ada"},"contentType":"application/json","encoded":false},
      "generators":{"path":{"type":"ProviderState","expression":"/users/${id}"},
        "query":{"of":{"type":"ProviderState","expression":"${id}"}},
        "header":{"X-Id":{"type":"ProviderState","expression":"id"}},
        "body":{"$.id":{"type":"ProviderState","expression":"${id}"},
          "$.items[*].of":{"type":"ProviderState","expression":"u-${id}"},
          "$.name":{"type":"ProviderState","expression":"${unknown}"}}}},
      "response":{"status":200}})")
          .request;

  const auto asked = with_state_values(request, {{"id", 777}, {"other", 1}});

  BOOST_TEST(asked.path == "/users/777");
  BOOST_TEST(asked.query.at("of").front() == "777");
  BOOST_TEST(asked.fields.at("X-Id").front() == "777");
  BOOST_TEST(
      asked.body->bytes == R"({"id":777,"items":[{"of":"u-777"},{"of":"u-777"}],"name":"Ada"})");
}

BOOST_AUTO_TEST_CASE(a_message_is_compared_with_its_metadata) {
  const auto expected = read<message>(
      R"({"type":"Asynchronous/Messages","description":"confirmed",
      "contents":{"content":{"order_id":"a","cents":5},"contentType":"application/json","encoded":false},
      "metadata":{"topic":"order.confirmed","contentType":"application/json"},
      "matchingRules":{"body":{"$.cents":{"matchers":[{"match":"integer"}]},"$.order_id":{"matchers":[{"match":"type"}]}}}})");

  BOOST_TEST(compare(
                 expected,
                 actual_message{
                     "application/json",
                     R"({"order_id":"b","cents":7,"more":1})",
                     {{"topic", "order.confirmed"}}})
                 .empty());
  BOOST_TEST(
      lines(compare(
          expected,
          actual_message{
              "application/json", R"({"order_id":"b","cents":"7"})", {{"topic", "order.created"}}}))
          == (texts{
              "metadata topic: wanted \"order.confirmed\" (text), got \"order.created\" (text)",
              "$.cents: wanted an integer, got \"7\" (text)"}),
      boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(cookies_are_compared_letter_by_letter_and_one_may_be_among_others) {
  const auto set = [](const char* cookie) {
    auto made = read<http_exchange>(
                    R"({"type":"Synchronous/HTTP","description":"a",
      "request":{"method":"GET","path":"/"},"response":{"status":200,"headers":{"Set-Cookie":["X"]}}})")
                    .response;
    made.fields.begin()->second = {cookie};
    return made;
  };
  const auto answer = [](std::vector<std::string> cookies) {
    actual_response made{200};
    for (std::string& each : cookies) {
      made.fields.emplace_back("set-cookie", std::move(each));
    }
    return made;
  };

  BOOST_TEST(compare(set("sid=AbC; Path=/"), answer({"sid=AbC; path=/; HttpOnly"})).empty());
  BOOST_TEST(compare(set("sid=AbC"), answer({"theme=dark", "sid=AbC; Path=/"})).empty());
  BOOST_TEST(compare(set("sid=AbC"), answer({"sid=abc"})).size() == 1);
  BOOST_TEST(compare(set("sid=AbC"), answer({"SID=AbC"})).size() == 1);
  BOOST_TEST(compare(set("sid=AbC; Path=/Shop"), answer({"sid=AbC; Path=/shop"})).size() == 1);
  BOOST_TEST(compare(set("sid=AbC; Secure"), answer({"theme=dark"})).size() == 1);
}

BOOST_AUTO_TEST_CASE(one_of_several_cookies_may_keep_a_rule) {
  const auto expected =
      read<http_exchange>(
          R"({"type":"Synchronous/HTTP","description":"a","request":{"method":"GET","path":"/"},
      "response":{"status":200,"headers":{"Set-Cookie":["sid=1"],"ETag":["1"]},"matchingRules":{"header":{
        "Set-Cookie":{"matchers":[{"match":"regex","regex":"sid=\\w+"}]}}}}})")
          .response;

  BOOST_TEST(
      compare(
          expected,
          actual_response{200, {{"set-cookie", "a=b"}, {"set-cookie", "sid=9"}, {"etag", "1"}}})
          .empty());
  BOOST_TEST(
      compare(expected, actual_response{200, {{"set-cookie", "a=b"}, {"etag", "1"}}}).size() == 1);
}

BOOST_AUTO_TEST_CASE(a_parameter_whose_name_has_brackets_may_have_a_rule) {
  const auto expected = read<http_exchange>(
                            R"({"type":"Synchronous/HTTP","description":"a",
      "request":{"method":"GET","path":"/","query":{"ids[]":["1"],"filter[name]":["a"],"n":["1","2"]},
        "matchingRules":{"query":{"ids[]":{"matchers":[{"match":"integer"}]},
          "filter[name]":{"matchers":[{"match":"regex","regex":"[a-z]+"}]},
          "n[1]":{"matchers":[{"match":"integer"}]}}}},
      "response":{"status":200}})")
                            .request;
  const auto asked = [](const char* ids, const char* name, const char* second) {
    return actual_request{
        "GET", "/", {{"ids[]", ids}, {"filter[name]", name}, {"n", "1"}, {"n", second}}, {}};
  };

  BOOST_TEST(compare(expected, asked("7", "bcd", "3")).empty());
  BOOST_TEST(compare(expected, asked("x", "bcd", "3")).size() == 1);
  BOOST_TEST(compare(expected, asked("7", "7", "3")).size() == 1);
  BOOST_TEST(compare(expected, asked("7", "bcd", "x")).size() == 1);
}

BOOST_AUTO_TEST_SUITE_END()
