#include "nodes/node_health.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe {

namespace {

using namespace std::chrono_literals;

/// A worker that serves `notes`, from a database, and is logged in at b1 of b1 and b2.
worker_snapshot serving() {
  worker_snapshot worker;
  wire::group_status& group = worker.status.groups.emplace_back();
  group.capability = "notes";
  group.store = "data/notes.db";
  group.breaker = "closed";
  worker.groups.emplace_back().busy_limit = 10s;
  worker.links = {{true, 2ms}, {false, std::nullopt}};
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
  worker.links = {{}, {}};
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

BOOST_AUTO_TEST_CASE(a_database_that_takes_no_turns_and_open_matters_are_warnings) {
  worker_snapshot worker = serving();
  worker.status.groups[0].store_trouble = "the disk is full";
  worker.status.groups[0].open_matters = {2, "open cases", "cases"};
  const auto health = health_of(worker, brokers);

  BOOST_TEST(health.is_ready());
  BOOST_TEST(!health.is_healthy());
  BOOST_TEST(error_of(health, "database.notes") == "it refuses turns: the disk is full");
  BOOST_TEST(error_of(health, "open.notes") == "2 open cases");
}

BOOST_AUTO_TEST_CASE(a_breaker_that_a_person_holds_open_is_told_of_too) {
  worker_snapshot worker = serving();
  worker.status.groups[0].breaker = "forced_open";
  BOOST_TEST(
      error_of(health_of(worker, brokers), "capability.notes").starts_with("its breaker is open"));
}

BOOST_AUTO_TEST_CASE(a_handler_that_has_used_half_of_the_watchdogs_time_makes_the_process_stuck) {
  worker_snapshot worker = serving();
  worker.groups[0].busy = 4'999ms;
  BOOST_TEST(health_of(worker, brokers).stuck == "");

  worker.groups[0].busy = 5s;
  const auto health = health_of(worker, brokers);

  const std::string why =
      "a handler or commit has run for 5000 ms; after 10000 ms the watchdog ends the process";
  BOOST_TEST(health.stuck == "`notes`: " + why);
  BOOST_TEST(error_of(health, "capability.notes") == why);
}

// The handler is no database's fault.
BOOST_AUTO_TEST_CASE(each_check_has_the_time_of_whom_it_is_about) {
  worker_snapshot worker = serving();
  worker.groups[0].took = 3ms;
  worker.groups[0].probed.database = 1ms;
  worker.groups[0].probed.database_trouble = "disk I/O error";

  const auto health = health_of(worker, brokers);

  BOOST_REQUIRE(health.checks.size() == 4);
  BOOST_TEST((health.checks[0].took == std::chrono::nanoseconds{2ms}));
  BOOST_TEST(!health.checks[1].took.has_value());
  BOOST_TEST((health.checks[2].took == std::chrono::nanoseconds{3ms}));
  BOOST_TEST((health.checks[3].took == std::chrono::nanoseconds{1ms}));
  BOOST_TEST(error_of(health, "database.notes") == "disk I/O error");
}

BOOST_AUTO_TEST_CASE(the_most_urgent_trouble_of_sagas_is_told_and_the_node_is_ready) {
  worker_snapshot worker = serving();
  const auto said = [&] { return error_of(health_of(worker, brokers), "sagas.notes"); };
  BOOST_TEST(said() == "there is no such check"); // It coordinates none.
  group_probe& probed = worker.groups[0].probed;
  probed.sagas.emplace();
  BOOST_TEST(said() == "");

  probed.sagas_parked = 3;
  BOOST_TEST(said() == "3 are parked or paused: `troupe sagas list`");
  probed.sagas->queued = 7;
  BOOST_TEST(said() == "3 are parked or paused: `troupe sagas list`");
  probed.sagas->full = "place";
  BOOST_TEST(said() == "7 wait for their turn, and new ones of `place` are refused");
  probed.sagas->need_person = 2;
  probed.sagas->need = "saga 1: `undo credit` fails; effects that stand: reserve";
  BOOST_TEST(said() == "2 need a person; saga 1: `undo credit` fails; effects that stand: reserve");
  BOOST_TEST(health_of(worker, brokers).is_ready());
}

BOOST_AUTO_TEST_CASE(a_broker_is_unready_only_while_it_is_drained) {
  broker::broker_snapshot broker;
  broker.status.capabilities.push_back(
      {.name = "notes", .queued = 2, .outstanding = 0, .awaiting = 1, .waiting_for_workers = true});
  BOOST_TEST(health_of(broker).is_ready());
  BOOST_TEST(error_of(health_of(broker), "capability.notes") == "no worker takes calls; 2 wait");
  BOOST_TEST(error_of(health_of(broker), "journal") == "there is no such check");
  broker.events.emplace().journal_trouble = "the disk is away";
  BOOST_TEST(error_of(health_of(broker), "journal") == "the disk is away");

  broker.status.draining = true;
  BOOST_TEST(health_of(broker).unready == "it is being drained");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe
