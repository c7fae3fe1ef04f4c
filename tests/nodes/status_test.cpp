#include "nodes/commands/status/rows.hpp"
#include "nodes/commands/status/screen.hpp"
#include "nodes/commands/status/troubles.hpp"
#include "nodes/text_table.hpp"

#include <boost/test/unit_test.hpp>

#include <sstream>

namespace utf = boost::unit_test;

namespace troupe {

namespace {

using weight = trouble::weight;

wire::group_status group_named(const std::string& capability) {
  wire::group_status group;
  group.capability = capability;
  group.breaker = "closed";
  group.rate_per_s = 2.5;
  group.restarts = 1;
  return group;
}

wire::group_state subscriber_named(const std::string& capability) {
  wire::group_state subscriber;
  subscriber.capability = capability;
  subscriber.nodes = {"n1"};
  return subscriber;
}

/// Two nodes that run two capabilities each, all of it well.
struct shop_fixture {
  shop_fixture() {
    all.name = "shop";
    all.file = "shop.yaml";
    all.journal_broker = "b1";
    all.capabilities = {{"orders", {"n1", "n2"}}, {"users", {"n1", "n2"}}};
    wire::broker_status broker;
    broker.broker = "b1";
    broker.uptime_ms = 3'600'000;
    wire::node_status node;
    for (const std::string name : {"n1", "n2"}) {
      broker.nodes.push_back({.name = name, .live = true, .up_ms = 60'000, .busy_ms = 0});
      node.groups = {group_named("orders"), group_named("users")};
      all.nodes.push_back({name, "here", node});
    }
    broker.capabilities = {{.name = "orders"}, {.name = "users"}};
    all.brokers.push_back({"b1", broker});
    wire::topics_state events;
    events.last = 12;
    events.groups.push_back(subscriber_named("users"));
    all.events = events;
  }

  wire::group_status& group(std::size_t node, std::size_t number) {
    return all.nodes[node].said->groups[number];
  }

  trouble only() const {
    const auto found = troubles_of(all);
    BOOST_REQUIRE(found.size() == 1U);
    return found.front();
  }

  std::string screen(std::size_t columns) const {
    return screen_of(all, troubles_of(all), false, columns);
  }

  void lose_node(std::size_t number) {
    auto& known = all.brokers.front().said->nodes[number];
    known = {.name = known.name, .live = false, .away_ms = 5'000};
    all.nodes[number].said = failure{error{.code = errc::deadline_exceeded, .message = "late"}};
  }

  system_view all;
};

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::size_t widest(const std::string& text) {
  std::istringstream lines{text};
  std::size_t most = 0;
  for (std::string line; std::getline(lines, line);) {
    most = std::max(most, width_of(line));
  }
  return most;
}

BOOST_AUTO_TEST_SUITE(nodes_commands_status, *utf::label("unit") * utf::timeout(5))

BOOST_FIXTURE_TEST_CASE(a_system_without_troubles_is_healthy, shop_fixture) {
  const auto found = troubles_of(all);

  BOOST_TEST(found.empty());
  BOOST_TEST((verdict_on(all, found) == system_health::healthy));
  BOOST_TEST(headline(all, found) == "shop is healthy");
}

BOOST_FIXTURE_TEST_CASE(a_healthy_system_takes_one_short_screen, shop_fixture) {
  const std::string text = screen(80);

  BOOST_TEST(text.starts_with("shop is healthy\n"));
  BOOST_TEST(has(text, "orders"));
  BOOST_TEST(has(text, "ok 2/2"));
  BOOST_TEST(has(text, "5.0"));
  BOOST_TEST(has(text, "n1 up 1m 0s, n2 up 1m 0s"));
  BOOST_TEST(widest(text) <= 80U);
  BOOST_TEST(std::ranges::count(text, '\n') < 12);
}

BOOST_FIXTURE_TEST_CASE(no_line_is_wider_than_the_terminal, shop_fixture) {
  all.capabilities[0].name = std::string(60, 'o');
  group(1, 1).down_reason =
      "the disk is full " + std::string(150, 'x') + ' ' + std::string(90, 'y');
  all.events->groups[0].dead = 123'456;
  lose_node(0);

  for (const std::size_t columns : {80U, 100U, 132U}) {
    BOOST_TEST(widest(screen(columns)) <= columns);
  }
}

BOOST_FIXTURE_TEST_CASE(a_broker_that_refuses_the_command_says_why, shop_fixture) {
  error why{
      .code = errc::deadline_exceeded,
      .message = "the call could not be sent in time (tcp://x:1: the broker refused the key)"};
  why.details.emplace_back("login_refused", "unauthenticated");
  all.brokers[0].said = failure{why};

  BOOST_TEST(has(screen(100), "shop cannot be asked: its brokers refuse this command"));
  BOOST_TEST(has(screen(100), "broker b1 refuses this command"));
  BOOST_TEST(has(screen(100), "the broker refused the key"));
}

BOOST_FIXTURE_TEST_CASE(a_database_on_a_full_disk_is_wrong_with_what_to_do, shop_fixture) {
  group(1, 0).store_trouble = "data/orders.db: database or disk is full";
  group(1, 0).store_trouble_ms = 5'000;

  const trouble one = only();

  BOOST_TEST((one.is == weight::wrong));
  BOOST_TEST(one.what == "the database of orders on n2 refuses turns");
  BOOST_TEST(one.lasted.value().count() == 5'000);
  BOOST_TEST(one.why == "data/orders.db: database or disk is full");
  BOOST_TEST(one.next.starts_with("free some space"));
}

// A disk is one thing to mend, however many find it full.
BOOST_FIXTURE_TEST_CASE(a_full_disk_is_one_trouble_of_all_databases_on_it, shop_fixture) {
  group(0, 0).store_trouble = "database or disk is full (in: COMMIT)";
  group(1, 0).store_trouble = "database or disk is full (in: INSERT)";
  group(1, 0).store_trouble_ms = 9'000;
  group(1, 1).store_trouble = "database or disk is full (in: COMMIT)";

  const trouble one = only();

  BOOST_TEST(one.what == "the databases of orders on n1, n2; users on n2 refuse turns");
  BOOST_TEST(one.lasted.value().count() == 9'000);
}

// Nodes of a capability share its database.
BOOST_FIXTURE_TEST_CASE(an_outbox_is_one_trouble_of_all_nodes_of_its_database, shop_fixture) {
  group(0, 0).outbox_trouble = group(1, 0).outbox_trouble = "the database is an older copy";

  BOOST_TEST(only().what == "events of orders on n1, n2 do not leave for the journal");
}

BOOST_FIXTURE_TEST_CASE(a_database_that_fails_otherwise_is_wrong_with_where_to_look, shop_fixture) {
  group(1, 0).store_trouble = "disk I/O error";

  BOOST_TEST(only().next == "log/n2.log says more (store.turn_failed)");
}

BOOST_FIXTURE_TEST_CASE(a_time_that_is_far_ahead_is_wrong_with_what_to_do, shop_fixture) {
  group(1, 0).time_ahead =
      "answers are forgotten by a time, 2031-01-01T00:00:00Z, that is far ahead";

  const trouble one = only();

  BOOST_TEST((one.is == weight::wrong));
  BOOST_TEST(one.what == "the clock of orders on n2 is behind, or another one was ahead");
  BOOST_TEST(one.why == *group(1, 0).time_ahead);
  BOOST_TEST(has(one.next, "RUNBOOK.md"));
}

BOOST_FIXTURE_TEST_CASE(sagas_that_wait_for_their_turn_are_shown_and_are_no_trouble, shop_fixture) {
  group(0, 0).sagas_queued = 3;
  group(1, 0).sagas_queued = 4;

  BOOST_TEST(troubles_of(all).empty());
  BOOST_TEST(queued_sagas(all) == 7U);
  BOOST_TEST(has(screen(100), "0 +7 queued"));
}

BOOST_FIXTURE_TEST_CASE(a_node_that_refuses_new_sagas_is_wrong_with_what_to_do, shop_fixture) {
  group(1, 0).sagas_queued = 10'000;
  group(1, 0).sagas_full = true;

  BOOST_TEST((only().is == weight::wrong));
  BOOST_TEST(only().what == "orders on n2 refuses new sagas: 10000 wait for their turn");
  BOOST_TEST(has(only().next, "`at_once` and `queue`"));
}

// Both nodes see the same database.
BOOST_FIXTURE_TEST_CASE(what_an_actor_says_of_itself_waits_once, shop_fixture) {
  group(0, 0).open_matters = {2, "open cases: 2 of paid", "cases"};
  group(1, 0).open_matters = {3, "open cases: 3 of paid", "cases"};

  const trouble one = only();

  BOOST_TEST((one.is == weight::waiting));
  BOOST_TEST(one.what == "orders has 3 open cases: 3 of paid");
  BOOST_TEST(one.next == "`troupe call shop.yaml orders.cases '{}'` says which");
  BOOST_TEST(headline(all, troubles_of(all)) == "shop is healthy; 1 thing waits for a person");
}

BOOST_FIXTURE_TEST_CASE(a_login_whose_token_is_not_renewed_is_wrong, shop_fixture) {
  all.brokers[0].said->ending = {{"n1", 65'000, "its signature is wrong"}};

  const trouble one = only();

  BOOST_TEST((one.is == weight::wrong));
  BOOST_TEST(one.what == "the login of n1 at b1 ends in 1m 5s: its token is not renewed");
  BOOST_TEST(one.why == "the next one was refused: its signature is wrong");
  BOOST_TEST(has(one.next, "troupe token new shop.yaml --for n1"));
}

BOOST_FIXTURE_TEST_CASE(a_journal_on_a_full_disk_is_wrong_with_what_to_do, shop_fixture) {
  auto& events = all.brokers[0].said->events;
  events.push_back({"journal_write_failed", 61'000, {{"why", "the journal's disk is full"}}});
  BOOST_TEST(troubles_of(all).empty());
  events.push_back({"journal_write_failed", 2'000, {{"why", "the journal's disk is full"}}});

  BOOST_TEST(only().what == "the journal at broker b1 could not be written 2s ago");
  BOOST_TEST(only().why == "the journal's disk is full");
  BOOST_TEST(has(only().next, "free some space"));
  events.back().ago_ms = 6'000;
  events.push_back({"journal_written_again", 7'000, {}}); // Before it failed again.
  BOOST_TEST(has(only().what, "could not be written 6s ago"));
  events.push_back({"journal_written_again", 1'000, {}});
  BOOST_TEST(troubles_of(all).empty());
}

BOOST_FIXTURE_TEST_CASE(a_journal_that_cannot_be_read_is_wrong_until_it_can, shop_fixture) {
  auto& events = all.brokers[0].said->events;
  events.push_back({"journal_read_again", 90'000, {}}); // Before it failed again.
  events.push_back({"journal_read_failed", 61'000, {{"why", "the server was lost"}}});

  BOOST_TEST(only().what == "the journal at broker b1 could not be read 1m 1s ago, nor since");
  BOOST_TEST(only().why == "the server was lost");
  events.push_back({"journal_read_again", 1'000, {}});
  BOOST_TEST(troubles_of(all).empty());
}

BOOST_FIXTURE_TEST_CASE(the_server_of_a_shared_journal_is_told_of, shop_fixture) {
  wire::journal_seat& seat = all.journal.emplace();
  seat.broker = "b1";
  seat.here = true;
  seat.standbys = "";
  seat.oldest_ms = 2'000;
  BOOST_TEST(has(screen(200), "commits wait for no standby: a failover loses the last of them"));
  BOOST_TEST(has(screen(200), "open for 2s"));
  BOOST_TEST(troubles_of(all).empty());

  seat.standbys = "ANY 1 (db2, db3)";
  seat.oldest_ms = 2 * 60 * 60'000;
  BOOST_TEST(has(screen(200), "commits wait for the standbys ANY 1 (db2, db3)"));
  BOOST_TEST((only().is == weight::waiting));
  BOOST_TEST(has(only().what, "a transaction has been open for 2h"));
  BOOST_TEST(has(only().next, "pg_terminate_backend"));

  seat.oldest_ms = 2'000;
  seat.sees_others = false;
  BOOST_TEST(has(screen(400), "those of other roles it cannot (GRANT pg_monitor)"));
  seat.holder = "the replication slot reports (nobody reads it)";
  seat.held_ms = 60'000;
  seat.held_transactions = 20'000;
  BOOST_TEST(troubles_of(all).empty());
  seat.held_transactions = 1'000'000;
  BOOST_TEST((only().is == weight::waiting));
  BOOST_TEST(
      only().what
      == "dead rows are kept on the server of the journal by the replication slot reports (nobody "
         "reads it)");
  BOOST_TEST(has(only().why, "1000000 transactions began since (1m 0s at least)"));
  BOOST_TEST(has(only().next, "pg_drop_replication_slot"));
  seat.held_transactions = 20'000;
  seat.held_ms = 2 * 60 * 60'000;
  seat.holder = "the prepared transaction a7 of ann";
  BOOST_TEST(has(only().next, "ROLLBACK PREPARED"));
  seat.holder = "the session 4711 (psql) of ann";
  BOOST_TEST(has(only().next, "pg_terminate_backend"));
  seat.oldest_ms = 2 * 60 * 60'000; // It is told of as a transaction.
  BOOST_TEST(has(only().what, "a transaction has been open for 2h"));
  seat.holder = "";

  seat.standbys.reset(); // Of a broker of the release before.
  seat.oldest_ms.reset();
  BOOST_TEST(!has(screen(200), "  server   "));
}

BOOST_FIXTURE_TEST_CASE(a_broker_of_another_file_is_said_to_be_one, shop_fixture) {
  all.plan = 7;
  BOOST_TEST(troubles_of(all).empty()); // One of an earlier release does not say.
  all.brokers[0].said->plan = 8;
  BOOST_TEST(only().what == "broker b1 runs another topology than shop.yaml");

  all.brokers[0].said->broker = "b9";
  BOOST_TEST(only().what == "the broker where b1 should be is b9");
}

BOOST_FIXTURE_TEST_CASE(a_node_that_is_away_is_wrong_with_its_last_words, shop_fixture) {
  lose_node(1);
  all.nodes[1].last_words = "worker.refused reason=other file";

  const trouble one = only();

  BOOST_TEST(one.what == "node n2 is away");
  BOOST_TEST(one.lasted->count() == 5'000);
  BOOST_TEST(has(one.why, "other file"));
  BOOST_TEST(has(one.next, "troupe up shop.yaml"));
  BOOST_TEST((verdict_on(all, {one}) == system_health::degraded));
  BOOST_TEST(rows_of(all).front().state == "part");
}

BOOST_FIXTURE_TEST_CASE(what_nobody_serves_is_told_with_the_node_that_is_away, shop_fixture) {
  all.capabilities[0].nodes = {"n2"};
  lose_node(1);

  BOOST_TEST(only().what == "node n2 is away: nobody serves orders");
}

BOOST_FIXTURE_TEST_CASE(the_broker_says_why_it_refused_a_node, shop_fixture) {
  lose_node(1);
  all.brokers[0].said->nodes[1].away_ms.reset();
  all.brokers[0].said->events.push_back(
      {"login_refused", 10, {{"node", "n2"}, {"why", "another version of the topology"}}});

  const trouble one = only();

  BOOST_TEST(one.what == "node n2 has not come since the broker started");
  BOOST_TEST(one.why == "the broker refused it: another version of the topology");
  BOOST_TEST(has(one.next, "does so by itself")); // A second `up` would be in its way.
  all.running = {{"n2", 4711}};
  BOOST_TEST(!has(only().next, "4711")); // It runs, and is refused.
  all.brokers[0].said->events.clear();
  BOOST_TEST(has(only().next, "kill -CONT 4711"));
}

BOOST_FIXTURE_TEST_CASE(a_gateway_that_no_broker_has_is_wrong, shop_fixture) {
  all.gateways = {"g1"};
  BOOST_TEST(troubles_of(all).empty()); // A broker of an earlier release does not say.

  all.brokers[0].said->gateways = {{"g1", true}};
  BOOST_TEST(troubles_of(all).empty());
  BOOST_TEST(has(screen(80), "gateways g1 up"));

  all.brokers[0].said->gateways = {{"g1", false}};
  BOOST_TEST(only().what == "gateway g1 is logged in at no broker");
  BOOST_TEST(has(only().next, "troupe up"));
  all.running = {{"g1", 4711}}; // It is not to be started.
  BOOST_TEST(has(only().next, "kill -CONT 4711"));
  BOOST_TEST(!has(only().next, "troupe up"));
  all.running.clear();
  all.hosts = {{"g1", "beta"}};
  BOOST_TEST(only().next == "start it on beta; log/g1.log there says why it ended");
}

BOOST_FIXTURE_TEST_CASE(no_broker_is_told_alone, shop_fixture) {
  const error late{.code = errc::deadline_exceeded, .message = "no answer in time"};
  all.brokers[0].said = failure{late};
  all.nodes[0].said = all.nodes[1].said = failure{late};
  all.events = failure{late};

  const auto found = troubles_of(all);

  BOOST_TEST(only().what == "broker b1 does not answer");
  BOOST_TEST((verdict_on(all, found) == system_health::unreachable));
  BOOST_TEST(has(screen(100), "shop is unreachable: no broker answers"));
}

BOOST_FIXTURE_TEST_CASE(a_forced_breaker_names_who_and_why_and_how_to_give_it_back, shop_fixture) {
  for (const std::size_t node : {0U, 1U}) {
    wire::group_status& forced = group(node, 0);
    forced.breaker = "forced_open";
    forced.forced_by = "ann@host";
    forced.forced_why = "the provider moves";
    forced.forced_since = "2026-11-29T14:00:00.000Z";
  }

  const trouble one = only();

  BOOST_TEST(
      one.what
      == "the breaker of orders on n1, n2 is forced open by ann@host since 2026-11-29T14:00:00Z");
  BOOST_TEST(one.why == "the provider moves");
  BOOST_TEST(has(one.next, "troupe breaker shop.yaml orders auto"));
  BOOST_TEST(rows_of(all).front().state == "down");
  BOOST_TEST(has(screen(80), "forced"));
}

BOOST_FIXTURE_TEST_CASE(a_group_that_is_down_says_since_when_and_why, shop_fixture) {
  group(0, 1).down_reason = "its database cannot be opened: disk full";
  group(0, 1).breaker = "down";
  group(0, 1).down_ms = 61'000;

  const trouble one = only();

  BOOST_TEST(one.what == "users on n1 is down");
  BOOST_TEST(one.lasted->count() == 61'000);
  BOOST_TEST(one.why == "its database cannot be opened: disk full");
}

BOOST_FIXTURE_TEST_CASE(events_that_stopped_are_told_with_their_reason, shop_fixture) {
  group(0, 0).outbox_trouble = "the database is an older copy";
  all.events->groups[0].trouble = "the journal is older than the database";
  all.brokers[0].said->events.push_back({"events_stopped", 7'000, {{"capability", "users"}}});

  const auto found = troubles_of(all);

  BOOST_REQUIRE(found.size() == 2U);
  BOOST_TEST(found[0].what == "events of orders on n1 do not leave for the journal");
  BOOST_TEST(found[1].what == "users gets no events");
  BOOST_TEST(found[1].lasted->count() == 7'000);
  BOOST_TEST(has(found[1].next, "troupe restore shop.yaml"));
}

BOOST_FIXTURE_TEST_CASE(an_outbox_is_in_trouble_only_after_a_while, shop_fixture) {
  group(0, 0).outbox_depth = 3;
  group(0, 0).outbox_waits_ms = 500;
  BOOST_TEST(troubles_of(all).empty());

  group(0, 0).outbox_waits_ms = 20'000;

  BOOST_TEST(only().what == "3 events of orders on n1 wait for the journal");
}

BOOST_FIXTURE_TEST_CASE(what_waits_for_a_person_leaves_the_system_healthy, shop_fixture) {
  all.events->groups[0].dead = 1;
  all.waiting = {{"orders", "n1", 2, 0}, {"orders", "n2", 2, 1}};

  const auto found = troubles_of(all);

  BOOST_REQUIRE(found.size() == 3U);
  BOOST_TEST(found[0].what == "1 dead letter of users");
  BOOST_TEST(found[1].what == "2 sagas of orders stand still");
  BOOST_TEST(has(found[2].what, "1 result of effects of orders"));
  BOOST_TEST(headline(all, found) == "shop is healthy; 3 things wait for a person");
  BOOST_TEST(*rows_of(all).front().sagas == 2U);
}

// They run, so that no order to go on is for them.
BOOST_FIXTURE_TEST_CASE(sagas_that_need_a_person_are_told_with_why_and_what_fits, shop_fixture) {
  const uuid one = *parse_uuid("01890000-0000-7000-8000-000000000001");
  wire::standing_sagas said{"orders", "n1", {}};
  said.sagas.push_back({.id = one, .state = "parked"});
  said.sagas.push_back(
      {.id = one,
       .state = "needs_person",
       .step = "undo credit",
       .reason = "`undo credit` fails since noon: nobody is there; effects that stand: res",
       .effects = std::vector<std::string>{"reserve", "credit"}});
  all.waiting = {waiting_in(said)};

  const auto found = troubles_of(all);

  BOOST_REQUIRE(found.size() == 2U);
  BOOST_TEST((found[0].is == weight::waiting));
  BOOST_TEST(found[0].what == "1 saga of orders needs a person");
  BOOST_TEST(
      found[0].why
      == "saga " + to_string(one)
             + ": `undo credit` fails since noon: nobody is there; effects that stand: reserve, "
               "credit");
  BOOST_TEST(has(
      found[0].next,
      "`troupe sagas retry shop.yaml orders --state needs_person --reason TEXT` retries at once"));
  BOOST_TEST(!has(found[0].next, "compensate"));
  BOOST_TEST(!has(found[0].next, "resume"));
  BOOST_TEST(found[1].what == "1 saga of orders stands still");
  BOOST_TEST(*rows_of(all).front().sagas == 2U);
}

// A node sees its own ones that fail, and all that stand still in the database.
BOOST_FIXTURE_TEST_CASE(sagas_that_need_a_person_on_several_nodes_are_added_up, shop_fixture) {
  wire::standing_sagas said{"orders", "n1", {}};
  said.sagas.push_back({.id = {}, .state = "parked"});
  said.sagas.push_back({.id = {}, .state = "needs_person", .step = "do charge"});
  all.waiting = {waiting_in(said), waiting_in(said)};
  all.waiting.back().node = "n2";
  BOOST_TEST(troubles_of(all)[0].what == "2 sagas of orders need a person");
  BOOST_TEST(
      has(troubles_of(all)[0].next,
          "`troupe sagas compensate shop.yaml orders --state needs_person --reason TEXT` undoes"));
  BOOST_TEST(troubles_of(all)[1].what == "1 saga of orders stands still");
  BOOST_TEST(*rows_of(all).front().sagas == 3U);

  all.waiting.front().has_more_sagas = true;
  BOOST_TEST(troubles_of(all)[0].what == "2 or more sagas of orders need a person");
}

BOOST_FIXTURE_TEST_CASE(sagas_that_follow_earlier_steps_wait_with_where_to_look, shop_fixture) {
  group(0, 1).sagas_trouble = "3 parked; 12 failing";
  BOOST_TEST(troubles_of(all).empty()); // Told by those that stand still.

  group(1, 1).sagas_trouble = "3 parked; 1 follow earlier steps; new ones of `x` are refused";
  BOOST_TEST(only().what == "1 saga of users follows earlier steps");
  BOOST_TEST((only().is == weight::waiting));
  BOOST_TEST(has(only().next, "saga.earlier_steps in log/n2.log"));

  group(0, 1).sagas_trouble = "40 follow earlier steps";
  BOOST_TEST(only().what == "41 sagas of users follow earlier steps");
  BOOST_TEST(has(screen(200), "41 sagas of users follow earlier steps"));
}

BOOST_FIXTURE_TEST_CASE(what_is_wrong_comes_before_what_waits, shop_fixture) {
  all.events->groups[0].dead = 1;
  group(1, 1).down_reason = "no disk";
  all.waiting = {{"orders", "n1", 1, 0}};

  const auto found = troubles_of(all);

  BOOST_TEST((found.front().is == weight::wrong));
  BOOST_TEST(
      headline(all, found) == "shop is degraded: 1 thing is wrong, 2 things wait for a person");
}

BOOST_FIXTURE_TEST_CASE(more_than_eight_troubles_are_counted, shop_fixture) {
  for (int i = 0; i < 10; ++i) {
    all.events->groups.push_back(subscriber_named("c" + std::to_string(i)));
    all.events->groups.back().dead = 1;
  }

  BOOST_TEST(has(screen(100), "and 2 more: --all shows them"));
  BOOST_TEST(!has(screen_of(all, troubles_of(all), true, 100), "more: --all"));
}

// Its answers lack what the release before did not say.
BOOST_FIXTURE_TEST_CASE(a_node_of_the_release_before_is_shown_without_rates, shop_fixture) {
  for (node_view& node : all.nodes) {
    for (wire::group_status& each : node.said->groups) {
      each.rate_per_s.reset();
      each.restarts.reset();
    }
  }

  BOOST_TEST(troubles_of(all).empty());
  BOOST_TEST(!rows_of(all).front().rate_per_s.has_value());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace

} // namespace troupe
