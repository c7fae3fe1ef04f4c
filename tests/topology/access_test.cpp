#include "tests/topology/topology_fixture.hpp"
#include "topology/access_checks.hpp"
#include "topology/access_text.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace utf = boost::unit_test;

namespace troupe::topology {

namespace {

using namespace std::chrono_literals;

/// `orders` calls `users.get` in a saga; with what it publishes and hears.
struct access_fixture : topology_fixture {
  access_fixture() {
    types[0].described.publishes = {{"user.registered"}};
    types[1].described.handles = {{"user.registered"}};
  }

  /// The good topology, in which `orders` subscribes and nobody lacks a right but for `rules`.
  static std::string with(std::string_view rules, std::string_view more = "") {
    std::string text = good_with("nodes: [n1, n2]}", "nodes: [n1, n2], subscribes: [user.*]}");
    text += "security:\n  keys: keys/\n  allow:\n";
    text += rules;
    return text += more;
  }

  static constexpr std::string_view all = "    users: {publish: [user.*]}\n"
                                          "    orders: {call: [users.get], subscribe: [user.*]}\n";

  static std::string with_all_and(std::string_view rules, std::string_view more = "") {
    return with(std::string{all} + std::string{rules}, more);
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(topology_access, access_fixture, *utf::label("unit") * utf::timeout(60))

BOOST_AUTO_TEST_CASE(rights_are_read_as_they_stand) {
  const plan read =
      plan_of(with_all_and("    ann: {call: [troupe.*, users.get], read: [\"*\"]}\n    bob:\n"));

  BOOST_REQUIRE(read.security.has_value());
  const security::grants ann = rights_of(*read.security, "ann");
  BOOST_TEST(ann.may_call("troupe.broker", "status"));
  BOOST_TEST(ann.may_call("users", "get"));
  BOOST_TEST(!ann.may_call("orders", "place"));
  BOOST_TEST(ann.may_read("*"));
  BOOST_TEST((rights_of(*read.security, "bob") == security::grants{}));
  BOOST_TEST((rights_of(*read.security, "nobody_here") == security::grants{}));
}

BOOST_AUTO_TEST_CASE(tokens_are_read_with_their_defaults) {
  const plan read =
      plan_of(with_all_and("", "  tokens: {issuer: shop, audience: \"https://shop\"}\n"));

  BOOST_REQUIRE(read.security->tokens.has_value());
  BOOST_TEST(read.security->tokens->issuer == "shop");
  BOOST_TEST(read.security->tokens->audience == "https://shop");
  BOOST_TEST((read.security->tokens->lifetime == 1h));
  BOOST_TEST((read.security->tokens->leeway == 30s));
  BOOST_TEST(!read.security->tokens->at_login);
  BOOST_TEST(plan_of(with_all_and("", "  tokens: {issuer: a, audience: b, login: required}\n"))
                 .security->tokens->at_login);
  check_only_fault(
      with_all_and("", "  tokens: {issuer: a, audience: b, login: optional}\n"),
      {19, 43},
      "`login` of `tokens` is `optional`");
  check_only_fault(
      with_all_and("", "  tokens: {issuer: shop, audience: shop, leeway: 2m}\n"),
      {19, 50},
      "`leeway`");
  check_only_fault(with_all_and("", "  tokens: {issuer: shop}\n"), {19, 11}, "`audience`");
}

// A follower of flags asks for their topic, and reads it.
BOOST_AUTO_TEST_CASE(a_gateway_may_do_what_its_features_need) {
  const plan read = plan_of(with_all_and(
      "    g1:\n    g2: {read: [user.registered]}\n",
      "strangler:\n  billing: {legacy: \"http://127.0.0.1:3002\", by: \"{cookie.session}\"}\n"
      "gateways:\n"
      "  g1: {listen: \"http://127.0.0.1:8081\", otherwise: billing}\n"
      "  g2:\n    listen: \"http://127.0.0.1:8082\"\n"
      "    routes: {GET /events: {events: [user.registered]}}\n"));

  BOOST_REQUIRE(read.gateways.size() == 2U);
  const security::grants with_feature = rights_of(read, read.gateways[0]);
  BOOST_TEST(with_feature.may_call("troupe.events", "topics"));
  BOOST_TEST(with_feature.may_read("troupe.flags"));
  BOOST_TEST(with_feature.may_publish("troupe.differences"));
  BOOST_TEST(!rights_of(read, read.gateways[1]).may_call("troupe.events", "topics"));
}

BOOST_AUTO_TEST_CASE(without_rules_nobody_may_do_anything) {
  const auto found = faults_of(good_and("security: {keys: keys/}\n"));

  // The saga of `orders`, and what `users` publishes.
  BOOST_REQUIRE(found.size() == 2U);
  BOOST_TEST(
      found[0].what == "capability `users` publishes `user.registered`, which it has no right to");
  BOOST_TEST(
      found[0].remedy == "add `user.registered` to `publish` of `users` in `security.allow`");
  BOOST_TEST(
      found[1].what == "a saga of capability `orders` calls `users.get`, which it has no right to");
}

BOOST_AUTO_TEST_CASE(a_subscription_without_the_right_is_a_fault) {
  check_only_fault(
      with("    users: {publish: [user.*]}\n    orders: {call: [users.get]}\n"),
      {13, 69},
      "capability `orders` subscribes to `user.*`",
      "to `subscribe` of `orders`");
}

BOOST_AUTO_TEST_CASE(a_right_that_means_nothing_is_a_fault) {
  check_only_fault(
      with_all_and("    ann: {call: [usrs.get]}\n"), {19, 18}, "no capability `usrs`", "`users`");
  check_only_fault(
      with_all_and("    ann: {call: [users.gett]}\n"), {19, 18}, "no operation `gett`", "`get`");
  check_only_fault(with_all_and("    ann: {call: [users]}\n"), {19, 18}, "means no operations");
  check_only_fault(with_all_and("    ann: {read: [\"order.#\"]}\n"), {19, 18}, "means no topics");
  check_only_fault(
      with_all_and("    ann: {call: [troupe.brokr.*]}\n"), {19, 18}, "answers nothing");
  check_only_fault(
      with_all_and("    ann: {call: [users.*, users.get]}\n"), {19, 27}, "says nothing", "remove");
  check_only_fault(
      with_all_and("    ann: {subscribe: [user.*]}\n"), {19, 23}, "only capabilities", "`read`");
  check_only_fault(with_all_and("    ann: {cal: [users.get]}\n"), {19, 11}, "`cal`", "`call`");
  check_only_fault(
      with_all_and("    n1: {call: [users.get]}\n"), {19, 5}, "node `n1`", "capabilities");
  check_only_fault(with_all_and("    b1: {}\n"), {19, 5}, "broker `b1`");
  check_only_fault(with_all_and("    Ann: {}\n"), {19, 5}, "`Ann`");
}

BOOST_AUTO_TEST_CASE(a_right_that_its_capability_makes_no_use_of_is_a_fault) {
  check_only_fault(
      with("    users: {publish: [user.*], call: [orders.place]}\n"
           "    orders: {call: [users.get], subscribe: [user.*]}\n"),
      {17, 39},
      "no saga of the capability calls this");
  check_only_fault(
      with("    users: {publish: [user.*, invoice.*]}\n"
           "    orders: {call: [users.get], subscribe: [user.*]}\n"),
      {17, 31},
      "publishes no such event");
  check_only_fault(
      with("    users: {publish: [user.*]}\n"
           "    orders: {call: [users.get], subscribe: [user.*, invoice.paid]}\n"),
      {18, 53},
      "subscribes to nothing of it");
  check_only_fault(
      with("    users: {publish: [user.*], read: [user.*]}\n"
           "    orders: {call: [users.get], subscribe: [user.*]}\n"),
      {17, 39},
      "reads none");
}

BOOST_AUTO_TEST_CASE(the_matrix_is_told_in_words) {
  const plan read = plan_of(with_all_and("    ann: {call: [troupe.*, users.get]}\n"));
  const std::string text = access_text(read, types);

  BOOST_TEST_CONTEXT(text) {
    for (const std::string_view line :
         {"  users (a capability, on n1, n2)\n    may publish user.*\n",
          "  orders (a capability, on n1, n2)\n    may call users.get\n    may subscribe to "
          "user.*\n",
          "  ann (who has the key of this name)\n    may call everything of Troupe itself (an "
          "operator), users.get\n",
          "  users.get: orders, ann\n",
          "  orders.place: nobody\n"}) {
      BOOST_TEST(text.find(line) != std::string::npos, line);
    }
  }
  BOOST_TEST(access_text(plan_of(good), types).find("nothing is checked") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::topology
