#include "nodes/node_health.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe {

namespace {

/// A worker that serves `notes`, from a database, and is logged in at b1 of b1 and b2.
worker_snapshot serving() {
  worker_snapshot worker;
  wire::group_status& group = worker.status.groups.emplace_back();
  group.capability = "notes";
  group.store = "data/notes.db";
  group.breaker = "closed";
  worker.refused_stores = {""};
  worker.links = {true, false};
  return worker;
}

const std::vector<std::string> brokers{"b1", "b2"};

std::string error_of(const observe::health& health, std::string_view name) {
  for (const observe::health_check& each : health.checks) {
    if (each.name == name) {
      return each.error;
    }
  }
  return "there is no such check";
}

} // namespace

BOOST_AUTO_TEST_SUITE(nodes_node_health, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(one_broker_of_two_is_enough_to_be_ready) {
  const auto health = health_of(serving(), brokers);

  BOOST_TEST(health.is_ready());
  BOOST_TEST(!health.is_healthy());
  BOOST_TEST(error_of(health, "broker.b1") == "");
  BOOST_TEST(error_of(health, "broker.b2") == "not logged in there");
  BOOST_TEST(error_of(health, "capability.notes") == "");
  BOOST_TEST(error_of(health, "database.notes") == "");
}

BOOST_AUTO_TEST_CASE(a_worker_is_unready_for_three_reasons) {
  worker_snapshot worker = serving();
  worker.links = {false, false};
  BOOST_TEST(health_of(worker, brokers).unready == "it is logged in at no broker");

  worker = serving();
  worker.is_draining = true;
  BOOST_TEST(health_of(worker, brokers).unready == "it is being drained");

  worker = serving();
  worker.status.groups[0].down_reason = "it failed too often";
  BOOST_TEST(health_of(worker, brokers).unready == "none of its capabilities is served");
}

BOOST_AUTO_TEST_CASE(a_breaker_and_an_outbox_are_told_of_where_they_belong) {
  worker_snapshot worker = serving();
  worker.status.groups[0].breaker = "open";
  worker.status.groups[0].outbox_trouble = "another journal";
  const auto health = health_of(worker, brokers);

  BOOST_TEST(health.is_ready());
  BOOST_TEST(error_of(health, "capability.notes").starts_with("its breaker is open"));
  BOOST_TEST(error_of(health, "database.notes") == "another journal");
}

BOOST_AUTO_TEST_CASE(a_broker_is_unready_only_while_it_is_drained) {
  wire::broker_status broker;
  broker.capabilities.push_back(
      {.name = "notes", .queued = 2, .outstanding = 0, .awaiting = 1, .waiting_for_workers = true});
  BOOST_TEST(health_of(broker, true).is_ready());
  BOOST_TEST(
      error_of(health_of(broker, true), "capability.notes") == "no worker takes calls; 2 wait");
  BOOST_TEST(error_of(health_of(broker, false), "journal") == "there is no such check");

  broker.draining = true;
  BOOST_TEST(health_of(broker, true).unready == "it is being drained");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe
