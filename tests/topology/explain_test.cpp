#include "tests/topology/topology_fixture.hpp"
#include "topology/topology.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::topology {

namespace {

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(topology_explain, topology_fixture, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(a_plan_says_what_runs_where) {
  const std::string text = explain(plan_of(good));

  BOOST_TEST_CONTEXT(text) {
    BOOST_TEST(contains(text, "shop: 1 broker, 2 nodes, 2 capabilities (shops/one/shop.yaml"));
    BOOST_TEST(contains(text, "broker b1 listens on tcp://127.0.0.1:5550"));
    BOOST_TEST(contains(text, "node n1 on this machine runs users x1, orders x2"));
    BOOST_TEST(contains(text, "orders: 3 replicas of actor `orders`, on n1 (0, 2) and n2 (1)"));
    BOOST_TEST(contains(text, "keeps its data in sqlite:shops/one/data/orders.db"));
  }
}

BOOST_AUTO_TEST_CASE(a_plan_says_what_happens_when_something_fails) {
  const std::string text = explain(plan_of(good));

  BOOST_TEST_CONTEXT(text) {
    BOOST_TEST(contains(
        text,
        "a replica that fails: it alone is restarted, after 50ms at first and 5s at most; more "
        "than 5 restarts within 10s and the group is down on that node for 30s"));
    BOOST_TEST(
        contains(text, "breaker: opens after 5 failures in a row; lets 1 probe through after 1m"));
    BOOST_TEST(contains(text, "64 calls at once on each node, 100 more wait at the broker"));
    BOOST_TEST(contains(text, "silent for 800ms counts as lost"));
    BOOST_TEST(contains(text, "full queues need 456MiB at the broker, of 8GiB allowed"));
  }
}

BOOST_AUTO_TEST_CASE(rates_and_missing_stores_are_put_in_words_too) {
  types[0].wants_store = false;
  const std::string text = explain(plan_of(good_with(
      "replicas: 2",
      "store: none, supervision: {strategy: one_for_all}, breaker: {window: {failure_rate: "
      "0.25}}")));

  BOOST_TEST_CONTEXT(text) {
    BOOST_TEST(contains(text, "all of its group is restarted"));
    BOOST_TEST(contains(
        text,
        "opens when of 20 calls or more within 10s at least 25 % fail, or 100 % take longer than "
        "1m"));
    BOOST_TEST(contains(text, "keeps no data: a call may be handled more than once"));
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::topology
