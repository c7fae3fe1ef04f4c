#include "nodes/commands/top/board.hpp"

#include "nodes/commands/status/rows.hpp"
#include "nodes/commands/top/outage.hpp"
#include "nodes/text_table.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <fmt/format.h>

namespace utf = boost::unit_test;

namespace troupe {

namespace {

using namespace std::chrono_literals;

/// Two nodes that run some capabilities, all of it well.
struct board_fixture {
  board_fixture() {
    system_view& all = state.answers.view;
    all.name = "shop";
    all.file = "shop.yaml";
    all.journal_broker = "b1";
    wire::broker_status broker;
    broker.broker = "b1";
    broker.uptime_ms = 3'600'000;
    for (const std::string name : {"n1", "n2"}) {
      broker.nodes.push_back({.name = name, .live = true, .up_ms = 60'000, .busy_ms = 0});
      wire::node_status node;
      node.node = name;
      all.nodes.push_back({name, "here", node});
    }
    all.brokers.push_back({"b1", broker});
    all.events = wire::topics_state{};
    add("orders");
    add("users");
  }

  system_view& view() { return state.answers.view; }

  void add(const std::string& capability) {
    view().capabilities.push_back({capability, {"n1", "n2"}});
    view().brokers[0].said->capabilities.push_back({.name = capability, .p99_us = 12'400});
    for (node_view& each : view().nodes) {
      wire::group_status group;
      group.capability = capability;
      group.breaker = "closed";
      group.rate_per_s = 2.5;
      group.credit = 64;
      group.in_hand = 3;
      group.p99_us = 340;
      each.said->groups.push_back(group);
    }
  }

  std::vector<board_line> lines(board_room room = {120, 50}, const std::string& notice = "") {
    state.found = troubles_of(view());
    return board_of(state, notice, room);
  }

  std::string text(board_room room = {120, 50}, const std::string& notice = "") {
    std::string all;
    for (const board_line& each : lines(room, notice)) {
      all += each.text + '\n';
    }
    return all;
  }

  system_state state;
};

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

BOOST_AUTO_TEST_SUITE(nodes_commands_top, *utf::label("unit") * utf::timeout(10))

BOOST_FIXTURE_TEST_CASE(the_verdict_comes_first_and_the_grid_has_each_node, board_fixture) {
  const auto all = lines();

  BOOST_TEST(all.front().text == "shop is healthy");
  BOOST_TEST((all.front().as == board_line::tone::good));
  const std::string drawn = text();
  BOOST_TEST(has(drawn, "orders      ok 2/2    5.0      0  12.4 ms"));
  BOOST_TEST(has(drawn, "ok    2.5     3/64  340 us  ok    2.5     3/64  340 us"));
  BOOST_TEST(has(drawn, "breakers all closed"));
  BOOST_TEST(has(drawn, "sagas    none under way"));
  BOOST_TEST(has(drawn, "letters  none"));
  BOOST_TEST(has(drawn, "nodes    n1 up 1m 0s, n2 up 1m 0s"));
}

BOOST_FIXTURE_TEST_CASE(a_trouble_has_the_command_that_mends_it_before_the_grid, board_fixture) {
  view().brokers[0].said->nodes[1] = {.name = "n2", .live = false, .away_ms = 5'000};
  view().nodes[1].said = failure{error{.code = errc::deadline_exceeded, .message = "late"}};

  const std::string drawn = text();

  BOOST_TEST(drawn.starts_with("shop is degraded: 1 thing is wrong\n"));
  BOOST_TEST(has(drawn, "node n2 is away, for 5s"));
  BOOST_TEST(drawn.find("`troupe up shop.yaml` starts it") < drawn.find("capability"));
  BOOST_TEST(has(drawn, "orders      part 1/2"));
  BOOST_TEST(has(drawn, "away"));
}

BOOST_FIXTURE_TEST_CASE(breakers_sagas_and_dead_letters_are_named, board_fixture) {
  wire::group_status& forced = view().nodes[0].said->groups[0];
  forced.breaker = "forced_open";
  forced.forced_by = "ann\x1b[2J@host";
  wire::group_state subscriber;
  subscriber.capability = "users";
  subscriber.dead = 3;
  view().events->groups.push_back(subscriber);
  wire::standing_saga saga{.id = {}, .state = "parked", .step = "do charge", .reason = "no\nmoney"};
  state.sagas = {{"orders", saga, {"n1"}}, {"orders", {.id = {}, .state = "forward"}, {"n2"}}};

  const std::string drawn = text();

  BOOST_TEST(has(drawn, "breakers orders on n1 forced open by ann?[2J@host"));
  BOOST_TEST(has(drawn, "sagas    1 forward, 1 parked"));
  BOOST_TEST(has(drawn, "parked at do charge: no"));
  BOOST_TEST(has(drawn, "letters  3 of users"));
  BOOST_TEST(!has(drawn, "\x1b"));
}

// As many as may run do: nodes name a part of those that wait, and say how many there are.
BOOST_FIXTURE_TEST_CASE(sagas_that_wait_for_their_turn_are_counted_and_not_listed, board_fixture) {
  view().nodes[0].said->groups[0].sagas_queued = 700;
  view().nodes[1].said->groups[0].sagas_queued = 20;
  state.sagas = {
      {"orders", {.id = {}, .state = "forward"}, {"n1"}},
      {"orders", {.id = {}, .state = "queued"}, {"n1"}}};

  const std::string drawn = text();

  BOOST_TEST(has(drawn, "sagas    1 forward, 720 queued"));
  BOOST_TEST(!has(drawn, to_string(uuid{})));
}

BOOST_FIXTURE_TEST_CASE(what_only_a_silent_node_knows_is_not_known, board_fixture) {
  const error late{.code = errc::deadline_exceeded, .message = "no answer in time"};
  view().nodes[1].said = failure{late};

  std::string drawn = text();

  BOOST_TEST(has(drawn, "breakers all closed; not known of n2"));
  BOOST_TEST(has(drawn, "sagas    none under way; not known of n2"));

  view().nodes[0].said = failure{late};
  drawn = text();
  BOOST_TEST(has(drawn, "breakers not known: no node answers"));
  BOOST_TEST(has(drawn, "sagas    not known: no node answers"));
  BOOST_TEST(!has(drawn, "all closed"));
}

BOOST_FIXTURE_TEST_CASE(what_waits_at_silent_brokers_is_not_known, board_fixture) {
  BOOST_TEST(rows_of(view())[0].queue.value() == 0U);

  view().brokers[0].said = failure{error{.code = errc::deadline_exceeded, .message = "late"}};

  BOOST_TEST(!rows_of(view())[0].queue.has_value());
}

// Nodes name a hundred at most, and say that there are more.
BOOST_FIXTURE_TEST_CASE(a_part_of_the_sagas_is_told_as_a_part, board_fixture) {
  state.sagas = {
      {"orders", {.id = {}, .state = "forward"}, {"n1"}},
      {"orders", {.id = {}, .state = "parked"}, {"n1"}}};
  state.has_more_running = true;
  view().waiting = {{.capability = "orders", .node = "n1", .sagas = 100, .has_more_sagas = true}};

  const std::string drawn = text();

  BOOST_TEST(has(drawn, "sagas    1 or more forward, 1 parked"));
  BOOST_TEST(has(drawn, "100 or more sagas of orders stand still"));
  BOOST_TEST(has(drawn, " 100+ "));
}

// Whatever the size: no line is longer, there are not more, and no number is cut.
BOOST_FIXTURE_TEST_CASE(it_fits_into_any_terminal, board_fixture) {
  view().capabilities[0].name = view().brokers[0].said->capabilities[0].name =
      view().nodes[0].said->groups[0].capability = view().nodes[1].said->groups[0].capability =
          std::string(60, 'o');
  view().nodes[0].said->groups[1].breaker = "open";
  view().brokers[0].said->capabilities[0].queued = 123'456'789;

  for (std::size_t columns = 26; columns <= 200; ++columns) {
    for (const std::size_t rows : {1U, 2U, 5U, 10U, 24U, 60U}) {
      const auto all = lines({columns, rows});
      BOOST_TEST(all.size() <= rows);
      BOOST_TEST(all.front().text.starts_with("shop is degraded"));
      for (const board_line& each : all) {
        BOOST_TEST(width_of(each.text) <= columns, columns << " columns: " << each.text);
      }
    }
    const std::string drawn = text({columns, 60});
    BOOST_TEST(has(drawn, "part 1/2"));
    BOOST_TEST((has(drawn, "123456789") || !has(drawn, "1234")));
    BOOST_TEST((has(drawn, "in hand") || has(drawn, "a wider one shows more")));
  }
}

BOOST_FIXTURE_TEST_CASE(of_many_capabilities_those_that_are_not_well_are_shown, board_fixture) {
  for (int i = 0; i < 1'000; ++i) {
    add(fmt::format("c{}", i));
  }
  view().nodes[1].said->groups[700].down_reason = "its disk is full";

  const std::string drawn = text({80, 24});

  BOOST_TEST(has(drawn, "c698"));
  BOOST_TEST(has(drawn, "part 1/2"));
  BOOST_TEST(has(drawn, "more, which are well"));
  BOOST_TEST(has(drawn, "brokers"));
}

BOOST_FIXTURE_TEST_CASE(no_broker_is_told_alone_with_since_when, board_fixture) {
  const error late{.code = errc::deadline_exceeded, .message = "no answer in time"};
  view().brokers[0].said = failure{late};
  view().nodes[0].said = view().nodes[1].said = failure{late};
  view().events = failure{late};

  const std::string drawn = text({80, 24}, "no broker answers since 12:00:00 UTC");

  BOOST_TEST(drawn.starts_with("shop is unreachable: no broker answers\n"));
  BOOST_TEST(has(drawn, "since 12:00:00"));
  BOOST_TEST(!has(drawn, "capability"));
}

BOOST_AUTO_TEST_CASE(an_outage_and_its_end_are_told) {
  outage of;
  const wall_time noon{std::chrono::hours{12}};
  BOOST_TEST(of.note(system_health::healthy, noon).empty());

  BOOST_TEST(has(of.note(system_health::unreachable, noon + 1s), "since 12:00:01 UTC"));
  BOOST_TEST(has(of.note(system_health::unreachable, noon + 5s), "since 12:00:01 UTC"));
  BOOST_TEST(
      of.note(system_health::degraded, noon + 13s)
      == "a broker answers again since 12:00:13 UTC, after 12s");
  BOOST_TEST(has(of.note(system_health::healthy, noon + 42s), "again since 12:00:13"));
  BOOST_TEST(of.note(system_health::healthy, noon + 43s).empty());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace

} // namespace troupe
