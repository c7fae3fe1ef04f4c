#include "runtime/gateway/routes.hpp"

#include <boost/test/unit_test.hpp>

#include <fmt/format.h>

namespace utf = boost::unit_test;

namespace troupe::gateway {

namespace {

using path = std::vector<std::string>;

route_key key(std::string_view text) {
  auto made = route_key::parse(text);
  BOOST_REQUIRE_MESSAGE(made, (made ? "" : made.error().message));
  return *std::move(made);
}

bool overlap(std::string_view one, std::string_view other) {
  const bool there = key(one).overlaps(key(other));
  BOOST_TEST(there == key(other).overlaps(key(one)));
  return there;
}

/// "0 id=7", "no path" or "allow GET, HEAD".
std::string found(const std::vector<route_key>& in, http::method method, const path& segments) {
  const auto looked = find_route(in, method, segments);
  if (const auto* other = std::get_if<other_methods>(&looked)) {
    return "allow " + other->allow;
  }
  if (std::holds_alternative<no_such_path>(looked)) {
    return "no path";
  }
  std::string text = std::to_string(std::get<route_found>(looked).route);
  for (const auto& [name, value] : std::get<route_found>(looked).variables) {
    text += fmt::format(" {}={}", name, value);
  }
  return text;
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_gateway_routes, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(a_request_finds_its_route_and_variables) {
  using enum http::method;
  const std::vector<route_key> all{
      key("GET /api/users/{id}"),
      key("POST /api/users"),
      key("GET /files/{kind}/{path*}"),
      key("DELETE /old/*"),
      key("GET /")};

  BOOST_TEST(found(all, get, {"api", "users", "7"}) == "0 id=7");
  BOOST_TEST(found(all, head, {"api", "users", "a b"}) == "0 id=a b");
  BOOST_TEST(found(all, post, {"api", "users"}) == "1");
  BOOST_TEST(found(all, get, {"files", "x", "a", "b"}) == "2 kind=x path=a/b");
  BOOST_TEST(found(all, get, {"files", "x"}) == "no path");
  BOOST_TEST(found(all, erase, {"old", "x", "y"}) == "3");
  BOOST_TEST(found(all, erase, {"old"}) == "no path");
  BOOST_TEST(found(all, get, {}) == "4");
  BOOST_TEST(found(all, erase, {"api", "users", "7"}) == "allow GET, HEAD");
  BOOST_TEST(found(all, get, {"api", "users"}) == "allow POST");
  BOOST_TEST(found(all, get, {"api", "users", ""}) == "no path");
  BOOST_TEST(found(all, get, {"API", "users", "7"}) == "no path");
}

BOOST_AUTO_TEST_CASE(routes_that_could_take_the_same_request_overlap) {
  BOOST_TEST(overlap("GET /a/{x}", "GET /a/b"));
  BOOST_TEST(overlap("GET /a/{x}", "GET /{y}/b"));
  BOOST_TEST(overlap("GET /a/*", "GET /a/b/c"));
  BOOST_TEST(overlap("GET /a/{x*}", "GET /{y}/b"));
  BOOST_TEST(overlap("GET /", "GET /"));
  BOOST_TEST(!overlap("GET /a/{x}", "POST /a/{x}"));
  BOOST_TEST(!overlap("GET /a/{x}", "GET /a"));
  BOOST_TEST(!overlap("GET /a/*", "GET /a"));
  BOOST_TEST(!overlap("GET /a/{x}/c", "GET /a/b/d"));
}

BOOST_AUTO_TEST_CASE(what_is_no_route_is_refused_in_words) {
  for (const auto& [text, what] : std::vector<std::pair<std::string, std::string>>{
           {"GET", "is no route"},
           {"get /a", "is no route"},
           {"HEAD /a", "is no route"},
           {"GET a", "slash"},
           {"GET ", "slash"},
           {"GET /a/", "empty segment"},
           {"GET //a", "empty segment"},
           {"GET /a/../b", "`..`"},
           {"GET /a/{x}/{x}", "twice"},
           {"GET /a/{}", "variable"},
           {"GET /a/{1x}", "variable"},
           {"GET /a/x{y}", "whole segment"},
           {"GET /a/*/b", "goes on"},
           {"GET /a/{x*}/b", "goes on"},
           {"GET /a b", "segment"},
           {"GET /a%20b", "segment"},
           {"GET /a?b=c", "segment"}}) {
    const auto made = route_key::parse(text);
    BOOST_TEST_CONTEXT(text) {
      BOOST_REQUIRE(!made.has_value());
      BOOST_TEST(made.error().message.find(what) != std::string::npos, made.error().message);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::gateway
