#include "runtime/broker/calls/choice.hpp"

#include <boost/test/unit_test.hpp>

namespace troupe::broker {

namespace utf = boost::unit_test;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(runtime_broker_calls_choice, *utf::label("unit") * utf::timeout(5))

using verdict = choice::verdict;

/// `orders` at n1, n2 and n3, which are logged in as 1, 2 and 3 with credit for two calls.
struct choice_fixture {
  choice_fixture() {
    for (std::uint32_t number = 0; number < 3; ++number) {
      nodes.nodes[number].live = true;
      nodes.nodes[number].login = login_id{number + 1};
      orders().placements[nodes.placement_of(0, number)].credit = 2;
    }
  }

  static router_options topology() {
    router_options made;
    made.capabilities = {{{"orders"}, 4}};
    made.nodes = {{"n1"}, {"n2"}, {"n3"}};
    return made;
  }

  capability& orders() { return nodes.capabilities[0]; }

  choice choose_now(login_id kept_free = login_id{nowhere}, const key_hold& hold = {}) {
    return choose(nodes, orders(), what, hold, kept_free, now);
  }

  instant now{std::chrono::hours{1}};
  directory nodes{topology()};
  call what;
};

BOOST_FIXTURE_TEST_CASE(a_call_without_a_key_goes_to_the_least_loaded_node, choice_fixture) {
  orders().placements[0].outstanding = 1;
  orders().placements[2].outstanding = 1;

  BOOST_TEST((choose_now().is == verdict::go));
  BOOST_TEST(choose_now().placement == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_node_that_is_kept_free_gets_nothing_and_refuses_nothing, choice_fixture) {
  orders().placements[0].credit = 0;
  orders().placements[2].credit = 0;

  BOOST_TEST((choose_now(login_id{2}).is == verdict::wait));
  BOOST_TEST((choose_now().is == verdict::go));
}

BOOST_FIXTURE_TEST_CASE(a_key_moves_only_when_its_node_goes, choice_fixture) {
  what.has_key = true;
  what.key_digest = 4711;
  const std::uint32_t first = choose_now().placement;
  const std::uint32_t other = (first + 1) % 3;

  nodes.nodes[other].live = false;
  BOOST_TEST(choose_now().placement == first);
  nodes.nodes[first].live = false;

  BOOST_TEST(choose_now().placement == 3 - first - other);
}

BOOST_FIXTURE_TEST_CASE(a_key_waits_for_its_node, choice_fixture) {
  what.has_key = true;
  what.key_digest = 4711;
  const std::uint32_t first = choose_now().placement;

  orders().placements[first].outstanding = 2;

  BOOST_TEST((choose_now().is == verdict::wait));
  BOOST_TEST(choose_now().placement == first);
}

BOOST_FIXTURE_TEST_CASE(a_key_stays_where_calls_of_it_are_in_hand, choice_fixture) {
  what.has_key = true;
  what.key_digest = 4711;
  const std::uint32_t holder = (choose_now().placement + 1) % 3;
  std::uint32_t elsewhere = 0;
  const auto choose_beside = [&] { return choose_now(login_id{nowhere}, {holder, 1, elsewhere}); };

  BOOST_TEST((choose_beside().is == verdict::go));
  BOOST_TEST(choose_beside().placement == holder);
  elsewhere = 1;
  BOOST_TEST((choose_beside().is == verdict::wait));
  elsewhere = 0;
  nodes.nodes[holder].draining = true;
  BOOST_TEST((choose_beside().is == verdict::wait));
  BOOST_TEST(choose_beside().placement == holder);
}

BOOST_FIXTURE_TEST_CASE(a_call_that_all_nodes_refuse_gets_the_smallest_wait, choice_fixture) {
  for (std::uint32_t i = 0; i < 3; ++i) {
    orders().placements[i].breaker = "open";
    orders().placements[i].blocked_until = now + 100ms * (i + 1);
  }

  const choice found = choose_now();

  BOOST_TEST((found.is == verdict::exhausted));
  BOOST_TEST((found.refusal == errc::circuit_open));
  BOOST_TEST((found.refusal_wait == 100ms));
}

BOOST_FIXTURE_TEST_CASE(a_suspect_goes_to_the_node_with_the_fewest_calls, choice_fixture) {
  nodes.nodes[0].outstanding.size = 2;
  nodes.nodes[1].outstanding.size = 1;
  what.tried = {2};
  const auto choose_now_alone = [&] { return choose_alone(nodes, orders(), what, now); };

  BOOST_TEST(choose_now_alone().placement == 1U);
  what.tried = {0, 1, 2};
  BOOST_TEST((choose_now_alone().is == verdict::exhausted));
  for (node& each : nodes.nodes) {
    each.live = false;
  }
  BOOST_TEST((choose_now_alone().is == verdict::wait));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
