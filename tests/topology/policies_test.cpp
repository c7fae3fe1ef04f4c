#include "topology/policies.hpp"

#include "runtime/supervision/breaker.hpp"
#include "runtime/supervision/group_policy.hpp"
#include "tests/topology/topology_fixture.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::topology {

namespace {

using namespace std::chrono_literals;

struct policies_fixture : topology_fixture {
  /// `users` of a topology with these keys in `defaults` and in its own section.
  capability_plan users(std::string_view defaults, std::string_view own) const {
    return *plan_of(text(defaults, own)).find(capability_name{"users"});
  }

  static std::string text(std::string_view defaults, std::string_view own) {
    std::string all = good_with("  bulkhead: {in_flight: 64, queue: 100}\n", defaults);
    const std::string_view from = "users: {replicas: 2}";
    return all.replace(all.find(from), from.size(), fmt::format("users: {{replicas: 2, {}}}", own));
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    topology_policies, policies_fixture, *utf::label("unit") * utf::timeout(60))

BOOST_AUTO_TEST_CASE(every_policy_is_read) {
  const auto plan = users(
      "",
      "supervision: {strategy: rest_for_one, max_restarts: 3, within: 20s, backoff: 10ms..1s, "
      "shutdown: 2s, cool_down: 1m}, breaker: {threshold: 7, timeout: 30s, probes: 2, "
      "probe_deadline: 3s}, bulkhead: {in_flight: 8, queue: 16, events: 32}, effects: {threads: 2, "
      "queue: 9, limit: 2s}, retry: {attempts: 3, backoff: 20ms..2s}, turn_limit: 5s, inbox_kept: "
      "30d, sagas_kept: 365d");

  BOOST_TEST((plan.supervision.on_failure == supervision::strategy::rest_for_one));
  BOOST_TEST(plan.supervision.max_restarts == 3);
  BOOST_TEST((plan.supervision.within == 20s));
  BOOST_TEST((plan.supervision.backoff_min == 10ms));
  BOOST_TEST((plan.supervision.backoff_max == 1s));
  BOOST_TEST((plan.supervision.shutdown == 2s));
  BOOST_TEST((plan.supervision.cool_down == 1min));
  BOOST_TEST(plan.breaker.threshold == 7);
  BOOST_TEST((plan.breaker.timeout == 30s));
  BOOST_TEST(plan.breaker.probes == 2);
  BOOST_TEST((plan.breaker.probe_deadline == 3s));
  BOOST_TEST(!plan.breaker.window.has_value());
  BOOST_TEST(plan.bulkhead.in_flight == 8);
  BOOST_TEST(plan.bulkhead.queue == 16);
  BOOST_TEST(plan.bulkhead.events == 32);
  BOOST_TEST(plan.retry.attempts == 3);
  BOOST_TEST((plan.retry.backoff_min == 20ms));
  BOOST_TEST((plan.retry.backoff_max == 2s));
  BOOST_TEST(plan.effects.threads == 2);
  BOOST_TEST(plan.effects.queue == 9);
  BOOST_TEST((plan.effects.limit == 2s));
  BOOST_TEST((plan.turn_limit == 5s));
  BOOST_TEST((plan.inbox_kept == 30 * 24h));
  BOOST_TEST((plan.sagas_kept == 365 * 24h));
}

BOOST_AUTO_TEST_CASE(a_capability_overrides_single_keys_of_the_defaults) {
  const auto plan = users(
      "  supervision: {max_restarts: 3, within: 20s}\n  bulkhead: {in_flight: 8, queue: 16}\n"
      "  turn_limit: 1s\n",
      "supervision: {max_restarts: 4}, bulkhead: {queue: 17}");

  BOOST_TEST(plan.supervision.max_restarts == 4);
  BOOST_TEST((plan.supervision.within == 20s));
  BOOST_TEST(plan.bulkhead.in_flight == 8);
  BOOST_TEST(plan.bulkhead.queue == 17);
  BOOST_TEST((plan.turn_limit == 1s));
}

BOOST_AUTO_TEST_CASE(a_breaker_window_is_read_and_overridden_key_by_key) {
  const auto plan = users(
      "  breaker: {window: {span: 1m, minimum_calls: 50, failure_rate: 0.25, slow_call: 2s}}\n",
      "breaker: {window: {failure_rate: 0.75, slow_rate: 0.5}}");

  BOOST_REQUIRE(plan.breaker.window.has_value());
  BOOST_TEST((plan.breaker.window->span == 1min));
  BOOST_TEST(plan.breaker.window->minimum_calls == 50);
  BOOST_TEST(plan.breaker.window->failure_rate == 0.75);
  BOOST_TEST((plan.breaker.window->slow_call == 2s));
  BOOST_TEST(plan.breaker.window->slow_rate == 0.5);
}

BOOST_AUTO_TEST_CASE(the_form_of_a_breaker_that_a_capability_chooses_replaces_the_default_form) {
  BOOST_TEST(!users("  breaker: {window: {span: 1m}}\n", "breaker: {threshold: 3}")
                  .breaker.window.has_value());
  BOOST_TEST(
      users("  breaker: {threshold: 3}\n", "breaker: {window: {}}").breaker.window.has_value());
}

BOOST_AUTO_TEST_CASE(threshold_and_window_exclude_each_other) {
  check_only_fault(
      text("", "breaker: {threshold: 3, window: {span: 1m}}"),
      {11, 56},
      "`window` of breaker of capability `users` cannot be used together with `threshold`",
      "keep `threshold`");
}

BOOST_AUTO_TEST_CASE(a_strategy_is_one_of_three) {
  check_only_fault(
      text("", "supervision: {strategy: one_for_al}"),
      {11, 48},
      "is `one_for_al`",
      "did you mean `one_for_all`?");
  check_only_fault(
      text("", "supervision: {strategy: whatever}"), {11, 48}, "is `whatever`", "rest_for_one");
}

BOOST_AUTO_TEST_CASE(a_backoff_rises_from_one_duration_to_another) {
  for (const auto* backoff :
       {"50ms", "50ms..", "..5s", "5s..50ms", "50..5s", "0ms..5s", "50ms..2h"}) {
    BOOST_TEST_CONTEXT(backoff) {
      check_only_fault(
          text("", fmt::format("supervision: {{backoff: \"{}\"}}", backoff)),
          {11, 47},
          "`backoff` of supervision of capability `users` is");
    }
  }
}

BOOST_AUTO_TEST_CASE(retries_of_the_defaults_are_overridden_key_by_key) {
  const auto plan =
      users("  retry: {attempts: 3, backoff: 20ms..2s}\n", "retry: {backoff: 1s..1m}");

  BOOST_TEST(plan.retry.attempts == 3);
  BOOST_TEST((plan.retry.backoff_min == 1s));
  BOOST_TEST((plan.retry.backoff_max == 1min));
}

BOOST_AUTO_TEST_CASE(a_wrong_retry_is_refused_where_it_stands) {
  check_only_fault(
      text("", "retry: {attempts: 0}"),
      {11, 42},
      "`attempts` of retry of capability `users` is `0`",
      "from 1 to 1000");
  check_only_fault(
      text("", "retry: {backoff: 1s}"),
      {11, 41},
      "is `1s`",
      "before another attempt, such as 100ms..30s");
  check_only_fault(
      text("  retry: {attempt: 3}\n", "actor: users"),
      {10, 11},
      "unknown key `attempt`",
      "`attempts`?");
  check_only_fault(
      text("", "bulkhead: {events: 65537}"), {11, 43}, "`events` of bulkhead", "from 1 to 65536");
}

BOOST_AUTO_TEST_CASE(a_duration_without_unit_is_refused_with_the_unit_added) {
  check_only_fault(
      text("  breaker: {timeout: 60}\n", "actor: users"),
      {10, 22},
      "`timeout` of breaker of defaults is `60`, a duration without unit",
      "add a unit, such as 60s");
}

BOOST_AUTO_TEST_CASE(answers_are_kept_for_whole_hours) {
  check_only_fault(text("", "inbox_kept: 90m"), {11, 36}, "whole hours", "7d");
  check_only_fault(text("", "sagas_kept: 1h"), {11, 36}, "is `1h`", "from 1d to 3650d");
}

BOOST_AUTO_TEST_CASE(a_value_out_of_range_is_told_the_range) {
  check_only_fault(
      text("", "bulkhead: {in_flight: 0}"), {11, 46}, "`in_flight`", "from 1 to 65536");
  check_only_fault(text("", "turn_limit: 99ms"), {11, 36}, "is `99ms`", "from 100ms to 10m");
  check_only_fault(text("", "breaker: {window: {failure_rate: 0}}"), {11, 57}, "is `0`", "to 1");
}

// Once, 10,000 probes passed the check of the topology and ended the worker at its start.
BOOST_AUTO_TEST_CASE(policies_at_the_ends_of_their_ranges_can_be_carried_out) {
  for (const auto* keys :
       {"supervision: {max_restarts: 0, within: 1ms, backoff: 1ms..1ms, shutdown: 1ms, cool_down: "
        "1ms}, breaker: {threshold: 1, timeout: 1ms, probes: 1, probe_deadline: 1ms}",
        "supervision: {max_restarts: 24, within: 24h, backoff: 1h..1h, shutdown: 10m, "
        "cool_down: 24h}, breaker: {threshold: 1000000, timeout: 24h, probes: 10000, "
        "probe_deadline: 1h}",
        "supervision: {max_restarts: 1000, within: 24h}, breaker: {probes: 10000, window: {span: "
        "1s, minimum_calls: 1, failure_rate: 0.0001, "
        "slow_call: 1ms, slow_rate: 0.0001}}"}) {
    BOOST_TEST_CONTEXT(keys) {
      const auto plan = users("", keys);
      const instant now{1h};
      std::vector<supervision::breaker_transition> transitions;
      std::vector<supervision::group_action> actions;

      supervision::breaker breaker{plan.breaker, 1, now};
      breaker.force(supervision::breaker_mode::open, "ann", "a drill", now, transitions);
      breaker.force(supervision::breaker_mode::automatic, "ann", "over", now, transitions);
      for (int i = 0; i < plan.breaker.probes; ++i) {
        BOOST_REQUIRE(
            std::holds_alternative<supervision::admitted>(breaker.admit(now, transitions)));
      }
      BOOST_TEST(std::holds_alternative<supervision::refused>(breaker.admit(now, transitions)));
      supervision::group_policy group{
          {plan.supervision, {{supervision::child_id{0}, "replica 0"}}}, 1};
      group.handle(supervision::start_requested{}, now, actions);
      BOOST_TEST(actions.size() == 1U);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_misspelled_policy_key_is_named_with_the_right_one) {
  check_only_fault(
      text("  supervision: {max_restart: 3}\n", "actor: users"),
      {10, 17},
      "unknown key `max_restart` in supervision of defaults",
      "did you mean `max_restarts`?");
  check_only_fault(text("", "effects: {thread: 3}"), {11, 34}, "unknown key `thread`", "`threads`");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::topology
