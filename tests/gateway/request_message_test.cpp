#include "runtime/gateway/request_message.hpp"

#include <boost/test/unit_test.hpp>

#include <fmt/format.h>

namespace utf = boost::unit_test;

namespace troupe::gateway {

namespace {

using wire::form;

constexpr std::string_view id = "018F3C1E-7A2B-7C3D-8E4F-5061728394A5";

const types all{
    {"order",
     {{.name = "order_id", .optional = false, .type = {.is = form::id}},
      {.name = "count", .optional = true, .type = {.is = form::int32}},
      {.name = "note", .optional = true, .type = {.is = form::text}}}}};

http::request asked(http::method method, std::string body = {}, http::field_list query = {}) {
  http::request made;
  made.method = method;
  made.body = std::move(body);
  made.target.query = std::move(query);
  return made;
}

std::string json_of(const http::request& request, const route_path::variables& variables) {
  const auto made = message_of(request, variables, all, "order", "order_id");
  return made ? to_json(made->body, all, "order").value()
              : fmt::format("{} {}", made.error().detail("pointer"), made.error().message);
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_gateway_request_message, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(fields_come_from_path_query_and_body) {
  const route_path::variables path{{"order_id", std::string{id}}};
  const std::string expected = R"({"order_id":"018f3c1e-7a2b-7c3d-8e4f-5061728394a5","count":3})";

  BOOST_TEST(json_of(asked(http::method::get, {}, {{"count", "3"}}), path) == expected);
  BOOST_TEST(json_of(asked(http::method::erase, {}, {{"count", "3"}}), path) == expected);
  BOOST_TEST(json_of(asked(http::method::put, R"({"count": 3})"), path) == expected);
  BOOST_TEST(
      (message_of(asked(http::method::post), path, all, "order", "order_id").value().key
       == "018f3c1e-7a2b-7c3d-8e4f-5061728394a5"));
}

BOOST_AUTO_TEST_CASE(what_is_in_doubt_is_refused) {
  const route_path::variables path{{"order_id", std::string{id}}};
  const auto has = [&](const http::request& request, std::string_view part) {
    const std::string said = json_of(request, path);
    BOOST_TEST_CONTEXT(said) {
      BOOST_TEST((said.find(part) != std::string::npos));
    }
  };
  has(asked(http::method::get, "{}"), "a GET has no body");
  has(asked(http::method::get, {}, {{"order_id", "x"}}), "/order_id");
  has(asked(http::method::get, {}, {{"note", "a"}, {"note", "b"}}), "given twice");
  has(asked(http::method::get, {}, {{"colour", "a"}}), "no such field");
  has(asked(http::method::get, {}, {{"count", "three"}}), "/count");
  has(asked(http::method::get, {}, {{"count", "3.5"}}), "/count");
  has(asked(http::method::post, "{}", {{"count", "3"}}), "`count` stands behind the path");
  has(asked(http::method::post, R"({"order_id": "x"})"), "given twice");
  has(asked(http::method::post, "[]"), "an object is wanted");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::gateway
