#include "nodes/page/loopback_route.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace utf = boost::unit_test;

namespace troupe {

namespace {

http::request request_of(http::field_list fields, std::string from = "127.0.0.1") {
  http::request asked;
  asked.fields = std::move(fields);
  asked.peer.host = std::move(from);
  return asked;
}

bool is_let_in(const http::request& asked) {
  return !refusal_to_strangers(asked);
}

} // namespace

BOOST_AUTO_TEST_SUITE(loopback_routes, *utf::label("unit") * utf::timeout(10))

BOOST_AUTO_TEST_CASE(who_is_on_this_machine_is_let_in) {
  BOOST_TEST(is_let_in(request_of({{"host", "127.0.0.1:8080"}})));
  BOOST_TEST(is_let_in(request_of({{"host", "localhost:8080"}})));
  BOOST_TEST(is_let_in(request_of({{"host", "[::1]:8080"}}, "::1")));
  BOOST_TEST(is_let_in(request_of(
      {{"host", "localhost:8080"},
       {"origin", "http://localhost:8080"},
       {"sec-fetch-site", "same-origin"}})));
}

BOOST_AUTO_TEST_CASE(other_machines_are_not) {
  const auto refused = refusal_to_strangers(request_of({{"host", "127.0.0.1"}}, "10.0.0.7"));

  BOOST_REQUIRE(refused.has_value());
  BOOST_TEST(refused->status == 403);
  BOOST_TEST(refused->detail.find("ui: operators") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_name_that_may_be_anybodys_is_not) {
  BOOST_TEST(!is_let_in(request_of({{"host", "evil.example:8080"}})));
  BOOST_TEST(!is_let_in(request_of({{"host", "127.0.0.1.evil.example"}})));
  BOOST_TEST(!is_let_in(request_of({{"host", "[::1].evil.example"}})));
  BOOST_TEST(!is_let_in(request_of({{"host", "localhost.evil.example"}})));
  BOOST_TEST(!is_let_in(request_of({})));
}

BOOST_AUTO_TEST_CASE(proxies_are_not) {
  for (const char* field : {"forwarded", "via", "x-forwarded-for", "x-real-ip"}) {
    BOOST_TEST(!is_let_in(request_of({{"host", "localhost"}, {field, "10.0.0.7"}})), field);
  }
}

BOOST_AUTO_TEST_CASE(pages_of_other_sites_are_not) {
  BOOST_TEST(
      !is_let_in(request_of({{"host", "localhost:8080"}, {"origin", "https://shop.example"}})));
  BOOST_TEST(!is_let_in(request_of({{"host", "localhost:8080"}, {"origin", "null"}})));
  BOOST_TEST(
      !is_let_in(request_of({{"host", "localhost:8080"}, {"sec-fetch-site", "cross-site"}})));
}

// An order is for the page itself, or for a program that sends no such fields.
BOOST_AUTO_TEST_CASE(orders_are_not_taken_from_other_sites) {
  const auto is_taken = [](http::field_list fields) {
    return !refusal_to_other_sites(request_of(std::move(fields)));
  };

  BOOST_TEST(is_taken({{"host", "localhost:8080"}}));
  BOOST_TEST(is_taken({{"host", "localhost:8080"}, {"origin", "http://localhost:8080"}}));
  BOOST_TEST(is_taken(
      {{"host", "inside:1"}, {"origin", "https://shop"}, {"sec-fetch-site", "same-origin"}}));
  for (const char* origin : {"null", "http://localhost:3000", "https://shop.example", ""}) {
    BOOST_TEST(!is_taken({{"host", "localhost:8080"}, {"origin", origin}}), origin);
  }
  for (const char* site : {"same-site", "cross-site", "none", ""}) {
    BOOST_TEST(
        !is_taken(
            {{"host", "localhost:8080"},
             {"origin", "http://localhost:8080"},
             {"sec-fetch-site", site}}),
        site);
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe
