#include "topology/gateways.hpp"

#include "tests/topology/topology_fixture.hpp"
#include "topology/explain.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::topology {

namespace {

using namespace std::chrono_literals;
using wire::form;
using wire::operation_kind;

wire::field_schema field(std::string name, form is, bool optional = false) {
  return {.name = std::move(name), .optional = optional, .type = {.is = is}};
}

/// Line 14 is `gateways:`, 15 is `g1:`, 16 is `listen`, 17 is `routes:`, and 18 the first route.
struct gateways_fixture : topology_fixture {
  gateways_fixture() {
    wire::field_schema lines = field("lines", form::text);
    lines.type.within = {form::list};
    types[0].described = {
        .actor = "users",
        .operations =
            {{"get", operation_kind::query, "get_user", "user"},
             {"raw", operation_kind::query},
             {"me", operation_kind::query, "nobody", "user"},
             {"register", operation_kind::command, "register_user", "user"}},
        .publishes = {{"user.registered"}},
        .types = {
            {"get_user", {field("user_id", form::id), field("full", form::boolean, true)}},
            {"nobody", {}},
            {"register_user", {field("email", form::text)}},
            {"user", {field("user_id", form::id)}}}};
    types[1].described = {
        .actor = "orders",
        .operations =
            {{"place", operation_kind::saga, "place_order", "order"},
             {"list", operation_kind::query, "find_orders", "order"}},
        .publishes = {{"order.placed"}},
        .types = {
            {"place_order", {field("customer", form::text), lines}},
            {"find_orders", {field("customer", form::text), lines}},
            {"order", {field("order_id", form::id)}}}};
    types[1].wants_store = true;
  }

  static std::string with_gateway(std::string_view keys, std::string_view routes) {
    return good_and(fmt::format("gateways:\n  g1:\n{}    routes:\n{}", keys, routes));
  }

  static std::string with_routes(std::string_view routes) {
    return with_gateway("    listen: http://127.0.0.1:8080\n", routes);
  }

  static std::string with_keys(std::string_view keys) {
    return with_gateway(keys, "      GET /users/{user_id}: {call: users.get}\n");
  }
};

std::vector<std::string> words_of(std::vector<std::string> words) {
  return words;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    topology_gateways, gateways_fixture, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(a_gateway_has_an_address_and_routes) {
  const plan read = plan_of(with_gateway(
      "    listen: https://0.0.0.0:8443\n"
      "    admin: 127.0.0.1:9103\n"
      "    tls: {certificate: tls/a.pem, key: /b.key}\n"
      "    cors: {origins: ['https://shop.example']}\n"
      "    rate: {per: client, requests: 100, within: 1s, burst: 200}\n"
      "    proxies: [10.0.0.1, 'FD00:0::1']\n"
      "    hosts: [shop.example, 10.0.0.7, '[2001:db8::7]']\n"
      "    ui: loopback\n",
      "      GET /users/{user_id}: {call: users.get, deadline: 2s, rejected: {unknown_user: 404}}\n"
      "      POST /orders: {call: orders.place, idempotency: required, key: '{body.customer}', "
      "status: 201}\n"
      "      GET /events: {events: [order.*, user.registered]}\n"));

  BOOST_REQUIRE(read.gateways.size() == 1U);
  const gateway_plan& gateway = read.gateways[0];
  BOOST_TEST(gateway.name == "g1");
  BOOST_TEST(gateway.host == "here");
  BOOST_TEST(to_text(gateway.address) == "0.0.0.0:8443");
  BOOST_TEST(gateway.tls.value().certificate == "shops/one/tls/a.pem");
  BOOST_TEST(gateway.tls.value().key == "/b.key");
  BOOST_TEST(gateway.store.value() == "sqlite:shops/one/data/gateway.db");
  BOOST_TEST(gateway.rate.value().burst == 200);
  BOOST_TEST((gateway.proxies == std::vector<std::string>{"10.0.0.1", "fd00::1"}));
  BOOST_TEST((hosts_of(gateway) == words_of({"shop.example", "10.0.0.7", "[2001:db8::7]"})));
  BOOST_TEST((gateway.ui == page_readers::loopback));
  BOOST_REQUIRE(gateway.routes.size() == 3U);
  const auto& get = std::get<call_route_plan>(gateway.routes[0].does);
  BOOST_TEST(get.capability.value == "users");
  BOOST_TEST((get.deadline == 2s));
  BOOST_TEST(get.rejected.at("unknown_user") == 404);
  const auto& place = std::get<call_route_plan>(gateway.routes[1].does);
  BOOST_TEST(place.status == 201);
  BOOST_TEST(place.wants_key);
  BOOST_TEST(place.key_field == "customer");
  BOOST_TEST(std::get<events_route_plan>(gateway.routes[2].does).patterns.size() == 2U);
  const std::string words = explain(read, types);
  BOOST_TEST_CONTEXT(words) {
    BOOST_TEST(
        (words.find("gateway g1 on this machine listens on https://0.0.0.0:8443, admin on "
                    "127.0.0.1:9103")
         != std::string::npos));
    BOOST_TEST(
        (words.find("GET /users/{user_id} calls users.get (query), 2s at most, and answers "
                    "200, 404 if unknown_user")
         != std::string::npos));
    BOOST_TEST(
        (words.find("GET /events streams events: order.*, user.registered") != std::string::npos));
  }
}

// A page whose name leads to 127.0.0.1 is of the same origin as the gateway there.
BOOST_AUTO_TEST_CASE(a_gateway_on_loopback_answers_to_its_own_names) {
  const auto hosts = [this](std::string_view keys) {
    return hosts_of(plan_of(with_keys(keys)).gateways.at(0));
  };
  const std::string here = "    listen: http://127.0.0.1:8080\n";

  BOOST_TEST((hosts(here) == words_of({"localhost", "127.0.0.1", "[::1]", "127.0.0.1"})));
  BOOST_TEST(
      (hosts(here + "    hosts: [shop.example]\n")
       == words_of({"shop.example", "localhost", "127.0.0.1", "[::1]", "127.0.0.1"})));
  BOOST_TEST(hosts(here + "    proxies: [127.0.0.1]\n").empty());
  BOOST_TEST(
      (hosts(here + "    proxies: [127.0.0.1]\n    hosts: [shop.example]\n")
       == words_of({"shop.example", "localhost", "127.0.0.1", "[::1]", "127.0.0.1"})));
  BOOST_TEST(
      hosts("    listen: https://127.0.0.1:8443\n    tls: {certificate: a.pem, key: a.key}\n")
          .empty());
  BOOST_TEST(hosts("    listen: https://0.0.0.0:8443\n    tls: {certificate: a.pem, key: a.key}\n")
                 .empty());
  for (const char* wrong :
       {"https://shop.example",
        "shop.example:8443",
        "Shop.example",
        "'[::1'",
        "'[]'",
        "'*'",
        "''"}) {
    check_only_fault(
        with_keys(here + fmt::format("    hosts: [{}]\n", wrong)),
        {17, 13},
        "in `hosts` of gateway `g1` is no name of a host",
        "shop.example");
  }
}

BOOST_AUTO_TEST_CASE(routes_that_take_the_same_requests_are_a_fault) {
  check_only_fault(
      with_routes("      GET /users/{user_id}: {call: users.get}\n"
                  "      GET /users/me: {call: users.me}\n"),
      {19, 7},
      "`GET /users/{user_id}` (line 18) and `GET /users/me`",
      "tell them apart");
  check_only_fault(
      with_routes("      GET /calls/{user_id}: {call: users.get}\n"),
      {18, 7},
      "/calls/{id}, which the gateway itself answers");
  BOOST_TEST(
      plan_of(with_routes("      GET /ui/{user_id}: {call: users.get}\n")).gateways.size() == 1U);
  check_only_fault(
      with_gateway(
          "    listen: http://127.0.0.1:8080\n    ui: loopback\n",
          "      GET /ui/{user_id}: {call: users.get}\n"),
      {19, 7},
      "/ui/{below*}, which the gateway itself answers");
}

BOOST_AUTO_TEST_CASE(a_route_does_one_thing_that_there_is) {
  check_only_fault(with_routes("      FETCH /users: {call: users.get}\n"), {18, 7}, "no route");
  check_only_fault(with_routes("      GET /users: {}\n"), {18, 7}, "nothing to do", "call:");
  check_only_fault(
      with_routes("      GET /users/{user_id}: {call: users}\n"),
      {18, 36},
      "`call` of route `GET /users/{user_id}` is `users`",
      "CAPABILITY.OPERATION");
  check_only_fault(
      with_routes("      GET /users/{user_id}: {call: user.get}\n"),
      {18, 36},
      "unknown capability `user`",
      "did you mean `users`?");
  check_only_fault(
      with_routes("      GET /users/{user_id}: {call: users.gt}\n"),
      {18, 36},
      "`users.gt`, which the actor type `users` does not serve",
      "did you mean `get`?");
  check_only_fault(
      with_routes("      GET /users: {call: users.raw}\n"), {18, 26}, "types are not known");
  check_only_fault(
      with_routes("      GET /users/{user_id}: {call: users.get, cal: 1}\n"),
      {18, 47},
      "unknown key `cal`");
}

BOOST_AUTO_TEST_CASE(the_page_is_for_somebody) {
  check_only_fault(
      with_keys("    listen: http://127.0.0.1:8080\n    ui: everybody\n"),
      {17, 9},
      "is `everybody`",
      "loopback");
  check_only_fault(
      with_keys("    listen: http://127.0.0.1:8080\n    ui: operators\n"),
      {15, 3},
      "`ui: operators` of gateway `g1` asks for a token",
      "tokens:");
}

BOOST_AUTO_TEST_CASE(a_get_changes_nothing_and_a_query_needs_no_key) {
  check_only_fault(
      with_routes("      GET /users: {call: users.register}\n"),
      {18, 26},
      "calls the command `users.register`, and a GET must change nothing",
      "POST");
  check_only_fault(
      with_routes("      POST /users: {call: users.get, idempotency: required}\n"),
      {18, 51},
      "wants keys for a query");
  check_only_fault(
      with_routes("      POST /users: {call: users.register, idempotency: optional}\n"),
      {18, 56},
      "is `optional`",
      "write required");
}

BOOST_AUTO_TEST_CASE(variables_are_fields_of_the_request) {
  check_only_fault(
      with_routes("      GET /users/{user}: {call: users.get}\n"),
      {18, 7},
      "has `user` in its path, and `get_user` has no such field",
      "its fields are user_id, full");
  check_only_fault(
      with_routes("      POST /orders/{lines}: {call: orders.place}\n"),
      {18, 7},
      "no single value");
  check_only_fault(
      with_routes("      GET /orders/{customer}: {call: orders.list}\n"),
      {18, 7},
      "cannot give `find_orders` its field `lines`",
      "POST");
  check_only_fault(
      with_routes("      POST /orders: {call: orders.place, key: '{body.custmer}'}\n"),
      {18, 47},
      "has `custmer` in its `key`",
      "`customer`?");
  check_only_fault(
      with_routes("      POST /orders: {call: orders.place, key: customer}\n"),
      {18, 47},
      "is `customer`",
      "{body.FIELD}");
}

BOOST_AUTO_TEST_CASE(streams_are_of_topics_that_somebody_knows) {
  check_only_fault(
      with_routes("      GET /events: {events: [order.placed, oder.placed]}\n"),
      {18, 44},
      "streams `oder.placed`, which nobody in this topology publishes");
  check_only_fault(
      with_routes("      POST /events: {events: [order.*]}\n"), {18, 7}, "streams events", "GET");
  check_only_fault(
      with_routes("      GET /events: {events: [Order]}\n"), {18, 30}, "means no topics");
  check_only_fault(with_routes("      GET /events: {events: []}\n"), {18, 29}, "has 0 entries");
}

BOOST_AUTO_TEST_CASE(plain_http_stays_on_this_machine_and_tls_has_files) {
  check_only_fault(
      with_keys("    listen: http://0.0.0.0:8080\n"), {16, 13}, "beyond this machine", "https://");
  check_only_fault(
      with_keys("    listen: tcp://127.0.0.1:8080\n"), {16, 13}, "neither http:// nor https://");
  check_only_fault(with_keys("    listen: http://127.0.0.1:8080/api\n"), {16, 13}, "has a path");
  check_only_fault(
      with_keys("    listen: https://127.0.0.1:8443\n"), {16, 13}, "without `tls`", "add `tls");
  check_only_fault(
      with_keys("    listen: https://shop.example:8443\n    tls: {certificate: a, key: b}\n"),
      {16, 13},
      "no address");
  check_only_fault(
      with_keys("    listen: http://127.0.0.1:8080\n    tls: {certificate: a, key: b}\n"),
      {17, 10},
      "cannot be used with http://");
  check_only_fault(
      with_keys("    listen: http://127.0.0.1:5550\n"),
      {16, 13},
      "broker `b1` and gateway `g1` both listen on",
      "port");
}

BOOST_AUTO_TEST_CASE(other_keys_are_read_and_ranged) {
  const std::string listen = "    listen: http://127.0.0.1:8080\n";
  check_only_fault(
      with_keys(listen + "    cors: {origins: ['https://shop.example/']}\n"),
      {17, 22},
      "is no origin",
      "no path");
  check_only_fault(
      with_keys(listen + "    rate: {requests: 0, within: 1s}\n"), {17, 22}, "`requests` of rate");
  check_only_fault(
      with_keys(listen + "    store: 'sqlite:data/users.db'\n"),
      {17, 12},
      "gateway `g1` and capability `users` share the database");
  check_only_fault(
      with_keys(
          listen
          + "    host: far\n    routes: {POST /u: {call: users.register}}\n  g2:\n"
            "    listen: http://127.0.0.1:8081\n"),
      {19, 3},
      "keep Idempotency-Keys in one SQLite file",
      "one host");
  check_only_fault(
      good_and("gateways:\n  n1: {listen: 'http://127.0.0.1:8080', routes: {POST /u: "
               "{call: users.register}}}\n"),
      {15, 3},
      "`n1` names a node and a gateway");
  check_only_fault(
      good_and("gateways:\n  g1: {listen: 'http://127.0.0.1:8080'}\n"),
      {15, 7},
      "`routes` of gateway `g1` has no routes in it");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::topology
