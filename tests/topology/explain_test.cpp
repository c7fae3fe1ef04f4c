#include "topology/explain.hpp"

#include "tests/topology/topology_fixture.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::topology {

namespace {

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(topology_explain, topology_fixture, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(a_plan_says_what_runs_where) {
  const std::string text = explain(plan_of(good), types);

  BOOST_TEST_CONTEXT(text) {
    BOOST_TEST(contains(text, "shop: 1 broker, 2 nodes, 2 capabilities (shops/one/shop.yaml"));
    BOOST_TEST(contains(text, "broker b1 listens on tcp://127.0.0.1:5550"));
    BOOST_TEST(contains(text, "node n1 on this machine runs users x1, orders x2"));
    BOOST_TEST(contains(text, "orders: 3 replicas of actor `orders`, on n1 (0, 2) and n2 (1)"));
    BOOST_TEST(contains(text, "    operations: place\n"));
    BOOST_TEST(contains(text, "keeps its data in sqlite:shops/one/data/orders.db"));
  }
}

BOOST_AUTO_TEST_CASE(a_plan_says_what_happens_when_something_fails) {
  const std::string text = explain(plan_of(good), types);

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
  const std::string text = explain(
      plan_of(good_with(
          "replicas: 2",
          "store: none, supervision: {strategy: one_for_all}, breaker: {window: {failure_rate: "
          "0.25}}")),
      types);

  BOOST_TEST_CONTEXT(text) {
    BOOST_TEST(contains(text, "all of its group is restarted"));
    BOOST_TEST(contains(
        text,
        "opens when of 20 calls or more within 10s at least 25 % fail, or 100 % take longer than "
        "1m"));
    BOOST_TEST(contains(text, "keeps no data: a call may be handled more than once"));
  }
}

// Such a breaker stays open for good, though nothing is wrong any more.
BOOST_AUTO_TEST_CASE(a_plan_says_where_a_probe_is_given_up_before_its_work_may_be_late) {
  const auto told = [this](std::string_view options) {
    return explain(
        plan_of(good_with("{replicas: 2}", fmt::format("{{replicas: 2, {}}}", options))), types);
  };
  const std::string_view hint = "can never close it";

  BOOST_TEST(!contains(explain(plan_of(good), types), hint));
  BOOST_TEST(!contains(told("effects: {limit: 30s}"), hint)); // It has none.
  BOOST_TEST(contains(
      told("breaker: {probe_deadline: 5s}"),
      "a probe must answer within 5s (`breaker.probe_deadline`), though a call may take 10s "
      "(`turn_limit`)"));
  types[0].has_effects = true;
  BOOST_TEST(contains(
      told("effects: {limit: 30s}"),
      "a probe must answer within 10s (`breaker.probe_deadline`), though a call or an effect may "
      "take 30s (`effects.limit`)"));
  BOOST_TEST(contains(told("effects: {limit: 30s}"), "raise `breaker.probe_deadline` to 30s"));
  BOOST_TEST(!contains(told("effects: {limit: 30s}, breaker: {probe_deadline: 30s}"), hint));
}

BOOST_AUTO_TEST_CASE(a_plan_says_who_listens_to_what_and_how_long_it_is_kept) {
  const std::string text = explain(
      plan_of(good_and(
          "  audit: {actor: users, subscribes: ['*', order.*], subscribe_from: oldest}\n"
          "  mails: {actor: users, subscribes: [order.*, user.gone, stock.low]}\n"
          "events: {journal: 'sqlite:data/facts.db', topics: {order.*: {keep: 30d, size: 4GiB}, "
          "noise: {drop_unread: true}}}\n")),
      types);

  BOOST_TEST_CONTEXT(text) {
    BOOST_TEST(contains(text, "  broker b1 keeps them in sqlite:shops/one/data/facts.db\n"));
    BOOST_TEST(contains(
        text,
        "  order.*: kept for 30d, of each topic at most 4GiB; longer and more while a subscriber "
        "still needs them\n"));
    BOOST_TEST(contains(
        text,
        "  noise: kept for 7d, of each topic at most 1GiB; then dropped, even if a subscriber "
        "still needs them\n"));
    BOOST_TEST(contains(text, "  all others: kept for 7d, of each topic at most 1GiB; longer"));
    BOOST_TEST(contains(text, "  everything goes to audit\n  order.* goes to audit and mails\n"));
    BOOST_TEST(contains(
        text,
        "    listens to order.*, user.gone and stock.low; when it is new to the journal, it begins "
        "with those published from then on\n"));
    BOOST_TEST(contains(text, "it begins with the oldest there are\n"));
    BOOST_TEST(contains(
        text,
        "    an event is handled with exactly one effect in its data; after 10 attempts, 100ms to "
        "30s apart, it is a dead letter; 4096 events at once on each node\n"));
  }
}

BOOST_AUTO_TEST_CASE(a_subscriber_without_store_says_what_it_gets) {
  types[0].wants_store = false;
  const std::string text = explain(
      plan_of(good_with(
          "replicas: 2",
          "store: none, subscribes: [a], subscribe_from: '2026-11-24T08:00:00Z', retry: {attempts: "
          "1}")),
      types);

  BOOST_TEST_CONTEXT(text) {
    BOOST_TEST(contains(text, "begins with those since 2026-11-24T08:00:00.000Z\n"));
    BOOST_TEST(contains(
        text, "handled at least once, as there is no store to remember it; after 1 attempt,"));
  }
}

BOOST_AUTO_TEST_CASE(what_queues_need_is_told_of_all_brokers_together) {
  BOOST_TEST(!contains(explain(plan_of(good), types), " brokers has room for that"));

  const std::string text = explain(
      plan_of(good_with(
          "  b1: {listen: \"tcp://127.0.0.1:5550\"}\n",
          "  b1: {listen: \"tcp://127.0.0.1:5550\"}\n  b2: {listen: \"tcp://127.0.0.1:5551\"}\n")),
      types);

  BOOST_TEST_CONTEXT(text) {
    BOOST_TEST(contains(text, "each of the 2 brokers has room for that"));
    BOOST_TEST(contains(text, "in all\n"));
  }
}

BOOST_AUTO_TEST_CASE(a_host_that_runs_nothing_is_told) {
  plan made = plan_of(good);
  BOOST_TEST(!contains(explain(made, types), "runs nothing:"));

  made.nodes.push_back({.name = node_name{"n9"}, .host = "db1", .at = {}});

  BOOST_TEST(
      contains(explain(made, types), "  db1 runs nothing: no capability names a node of it"));
}

BOOST_AUTO_TEST_CASE(a_plan_without_subscribers_says_so) {
  const std::string text = explain(plan_of(good), types);

  BOOST_TEST(contains(text, "  all: kept for 7d"));
  BOOST_TEST(contains(text, "  no capability subscribes to any\n"));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::topology
