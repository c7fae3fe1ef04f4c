#include "topology/strangler.hpp"

#include "tests/topology/topology_fixture.hpp"
#include "topology/explain.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <variant>

namespace utf = boost::unit_test;

namespace troupe::topology {

namespace {

using namespace std::chrono_literals;

struct strangler_fixture : topology_fixture {
  strangler_fixture() {
    types[0].described = {
        .actor = "users",
        .operations = {{"get", wire::operation_kind::query, "get_user", "user"}},
        .types = {
            {"get_user", {{.name = "user_id", .type = {.is = wire::form::id}}}},
            {"user", {{.name = "user_id", .type = {.is = wire::form::id}}}}}};
  }

  static std::string with(std::string_view feature) {
    return good_and(fmt::format("strangler:\n  billing: {}\n", feature));
  }

  strangler::feature_options feature(std::string_view keys) const {
    return plan_of(with(keys)).features.at(0).feature;
  }

  /// A gateway with one route, or none, and with `keys`.
  static std::string with_gateway(
      std::string_view route,
      std::string_view keys,
      std::string_view by = "{query.user}",
      std::string_view legacy = "http://old") {
    return with(fmt::format("{{legacy: \"{}\", by: \"{}\"}}", legacy, by))
           + fmt::format(
               "gateways:\n  g1:\n    {}\n{}{}",
               keys.empty() ? "host: here" : keys,
               "    listen: \"http://127.0.0.1:8080\"\n",
               route.empty() ? "" : fmt::format("    routes:\n      {}\n", route));
  }

  /// A feature with `keys` beside what is required.
  static std::string with_more(std::string_view keys) {
    return with(fmt::format("{{legacy: \"http://old\", by: \"{{header.x-user}}\", {}}}", keys));
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    topology_strangler, strangler_fixture, *utf::label("unit") * utf::timeout(60))

BOOST_AUTO_TEST_CASE(a_feature_that_says_little_goes_to_the_legacy_system) {
  const auto made = feature("{legacy: \"http://127.0.0.1:3002/app\", by: \"{cookie.session}\"}");

  BOOST_TEST(made.name == "billing");
  BOOST_TEST(made.legacy.origin == "http://127.0.0.1:3002");
  BOOST_TEST(made.legacy.prefix == "/app");
  BOOST_TEST(made.share == 0U);
  BOOST_TEST(made.override_field.empty());
  BOOST_TEST(!made.compare.has_value());
  BOOST_TEST((made.how.deadline == 10s));
}

BOOST_AUTO_TEST_CASE(all_that_a_feature_may_say_is_read) {
  const auto plan = plan_of(with_more(
      "percent: 12.5, override: x-side, deadline: 2s, connections: 8, queue: 0, answer: 1MiB, "
      "compare: {sample: 0.1, in_flight: 4, ignore: [/at, \"/items/*/etag\"], fields: [vary]}"));
  const auto& made = plan.features.at(0).feature;

  BOOST_TEST(made.share == 1'250U);
  BOOST_TEST(made.override_field == "x-side");
  BOOST_TEST((made.how.deadline == 2s));
  BOOST_TEST(made.how.connections == 8U);
  BOOST_TEST(made.how.waiting == 0U);
  BOOST_TEST(made.how.answer_bytes_max == 1U << 20U);
  BOOST_TEST(made.compare->sample == 0.1);
  BOOST_TEST(made.compare->in_flight == 4U);
  BOOST_TEST((made.compare->rules.ignored == std::vector<std::string>{"/at", "/items/*/etag"}));
  BOOST_TEST((made.compare->rules.fields == std::vector<std::string>{"vary"}));
  BOOST_TEST(plan.find_feature("billing") != nullptr);
  BOOST_TEST(plan.find_feature("users") == nullptr);
  BOOST_TEST(
      explain(plan, types).find("billing: http://old answers all but 12.5% of users")
      != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_fault_says_where_it_is_and_what_to_write) {
  check_only_fault(with("{by: \"{query.user}\"}"), {15, 12}, "`legacy`", "http://127.0.0.1:3002");
  check_only_fault(with("{legacy: \"http://old\"}"), {15, 12}, "`by`", "{cookie.session}");
  check_only_fault(
      with("{legacy: \"ftp://old\", by: \"{query.user}\"}"),
      {15, 21},
      "`ftp://old` is no http or https URL",
      "write http://HOST:PORT");
  check_only_fault(
      with("{legacy: \"http://old\", by: user}"), {15, 39}, "names nothing", "write {header.NAME}");
  check_only_fault(with_more("percent: 101"), {15, 67}, "`percent`");
  check_only_fault(with_more("override: X-Side"), {15, 68}, "X-Side", "lower case");
  check_only_fault(
      with_more("compare: {ignore: [at]}"), {15, 76}, "`ignore` of compare", "JSON pointers");
  check_only_fault(with_more("compare: {fields: [Vary]}"), {15, 76}, "`fields` of compare");
  check_only_fault(with_more("compare: {in_flight: 0}"), {15, 79}, "`in_flight` of compare");
  check_only_fault(with_more("persent: 5"), {15, 58}, "persent", "percent");
}

BOOST_AUTO_TEST_CASE(a_route_goes_by_the_flag_of_its_feature) {
  const auto plan = plan_of(with_gateway(
      "GET /users/{user_id}: {call: users.get, strangler: billing}", "otherwise: billing"));

  const auto& gateway = plan.gateways.at(0);
  BOOST_TEST(gateway.otherwise == "billing");
  BOOST_TEST(std::get<call_route_plan>(gateway.routes.at(0).does).feature == "billing");
  const std::string words = explain(plan, types);
  BOOST_TEST(words.find("; by the flag billing") != std::string::npos);
  BOOST_TEST(words.find("all else goes to the legacy system of billing") != std::string::npos);
}

// It takes /USERS/7/ for /users/7, which is another path to the gateway.
BOOST_AUTO_TEST_CASE(a_token_does_not_guard_a_legacy_system_that_gets_all_else) {
  const auto words = [&](const char* token, const char* otherwise) {
    std::string text = with_gateway(
        fmt::format("GET /users/{{user_id}}: {{call: users.get, strangler: billing{}}}", token),
        otherwise);
    text += "security:\n  tokens: {issuer: shop, audience: shop}\n"
            "  allow: {g1: {call: [users.get]}, orders: {call: [users.get]}}\n";
    return explain(plan_of(text), types);
  };
  const char* const said = "without a token, too, what that system takes for GET /users/{user_id}";

  BOOST_TEST(words(", token: required", "otherwise: billing").find(said) != std::string::npos);
  BOOST_TEST(words("", "otherwise: billing").find(said) == std::string::npos);
  BOOST_TEST(words(", token: required", "").find(said) == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_gateway_may_hand_on_everything) {
  const auto plan = plan_of(with_gateway("", "otherwise: billing"));

  BOOST_TEST(plan.gateways.at(0).routes.empty());
}

BOOST_AUTO_TEST_CASE(features_and_gateways_must_fit) {
  const std::string route = "GET /users/{user_id}: {call: users.get, strangler: ";
  check_only_fault(
      with_gateway(route + "biling}", ""), {21, 7}, "unknown feature `biling`", "billing");
  check_only_fault(
      with_gateway(route + "billing}", "otherwise: old"),
      {18, 16},
      "`otherwise` of gateway `g1` names the unknown feature `old`",
      "billing");
  check_only_fault(
      with_gateway(route + "billing}", "", "{path.id}"),
      {21, 7},
      "has no variable `id`",
      "header or cookie");
  check_only_fault(
      with_gateway(route + "billing}", "", "{path.user_id}", "http://localhost:8080/old"),
      {15, 3},
      "gateway `g1` itself",
      "address of its own");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::topology
