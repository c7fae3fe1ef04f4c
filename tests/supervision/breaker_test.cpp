#include "runtime/supervision/breaker.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::supervision {

namespace {

using namespace std::chrono_literals;

/// A breaker under test, its clock and its log.
struct breaker_bench {
  explicit breaker_bench(
      const breaker_options& of, std::uint64_t seed = 1, forced_state stored = {})
      : unit{breaker::make(of, seed, now, std::move(stored)).value()} {}

  admission ask() { return unit.admit(now, log); }

  /// The admission of a call that must be let through.
  admitted call() { return std::get<admitted>(ask()); }

  bool refuses() { return std::holds_alternative<refused>(ask()); }

  void record(call_result result, const admitted& of, std::chrono::nanoseconds took = 1ms) {
    unit.record(result, of, took, now, log);
  }

  void ok(int times = 1) {
    for (int i = 0; i < times; ++i) {
      record(call_result::ok, call());
    }
  }

  void fail(int times = 1) {
    for (int i = 0; i < times; ++i) {
      record(call_result::failed, call());
    }
  }

  void pass(std::chrono::nanoseconds by) {
    now += std::chrono::duration_cast<instant::duration>(by);
    unit.tick(now, log);
  }

  void pass_to_due() {
    now = unit.next_due().value();
    unit.tick(now, log);
  }

  /// How long it will stay open.
  std::chrono::nanoseconds wait() const { return unit.next_due().value() - now; }

  bool is(breaker_state state) const { return unit.state() == state; }

  instant now{1h};
  std::vector<breaker_transition> log;
  breaker unit;
};

const breaker_options simple{.threshold = 3, .timeout = 10s, .probe_deadline = 2s};

breaker_options with_probes(int probes) {
  auto options = simple;
  options.probes = probes;
  return options;
}

breaker_options windowed(breaker_window window = {.minimum_calls = 10}) {
  auto options = simple;
  options.window = window;
  return options;
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_supervision_breaker, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(failures_in_a_row_open_it_at_the_threshold) {
  breaker_bench breaker{simple};

  breaker.fail(2);
  BOOST_TEST(breaker.is(breaker_state::closed));
  breaker.fail();

  BOOST_TEST(breaker.is(breaker_state::open));
  BOOST_TEST(breaker.refuses());
}

BOOST_AUTO_TEST_CASE(a_success_in_between_starts_the_row_over) {
  breaker_bench breaker{simple};

  breaker.fail(2);
  breaker.ok();
  breaker.fail(2);

  BOOST_TEST(breaker.is(breaker_state::closed));
}

BOOST_AUTO_TEST_CASE(a_timeout_is_a_failure) {
  breaker_bench breaker{simple};

  for (int i = 0; i < 3; ++i) {
    breaker.record(call_result::timed_out, breaker.call());
  }

  BOOST_TEST(breaker.is(breaker_state::open));
  BOOST_TEST(breaker.log.at(0).reason == "3 failures in a row, the last timed out");
}

// B1
BOOST_AUTO_TEST_CASE(results_of_a_past_epoch_change_nothing) {
  breaker_bench breaker{simple};
  const auto early = breaker.call();
  breaker.fail(3);
  breaker.pass(11s);
  BOOST_TEST(breaker.is(breaker_state::half_open));

  breaker.record(call_result::ok, early);
  BOOST_TEST(breaker.is(breaker_state::half_open));
  breaker.record(call_result::failed, early);
  BOOST_TEST(breaker.is(breaker_state::half_open));
  breaker.ok();
  BOOST_TEST(breaker.is(breaker_state::closed));
  for (int i = 0; i < 5; ++i) {
    breaker.record(call_result::failed, early);
  }

  BOOST_TEST(breaker.is(breaker_state::closed));
  BOOST_TEST(breaker.unit.stale_results() == 7U);
}

// B1: nor do results that come while it is open.
BOOST_AUTO_TEST_CASE(late_results_do_not_prolong_the_wait) {
  breaker_bench breaker{simple};
  const auto early = breaker.call();
  breaker.fail(3);
  const auto due = breaker.unit.next_due();

  breaker.now += 1s;
  breaker.record(call_result::failed, early);

  BOOST_TEST((breaker.unit.next_due() == due));
  BOOST_TEST(breaker.log.size() == 1U);
}

// B2, R35
BOOST_AUTO_TEST_CASE(a_probe_that_never_answers_has_failed_at_its_deadline) {
  breaker_bench breaker{simple};
  breaker.fail(3);
  breaker.pass_to_due();
  const auto probe = breaker.call();
  BOOST_TEST((breaker.unit.next_due() == breaker.now + 2s));

  breaker.pass(2s - 1ns);
  BOOST_TEST(breaker.is(breaker_state::half_open));
  breaker.pass(1ns);
  BOOST_TEST(breaker.is(breaker_state::open));
  BOOST_TEST(breaker.log.back().reason == "a probe was not answered by its deadline");
  breaker.record(call_result::ok, probe);

  BOOST_TEST(breaker.is(breaker_state::open));
}

// B2: also without a tick.
BOOST_AUTO_TEST_CASE(an_answer_at_the_deadline_is_too_late) {
  breaker_bench breaker{simple};
  breaker.fail(3);
  breaker.pass_to_due();
  const auto probe = breaker.call();

  breaker.now += 2s;
  breaker.record(call_result::ok, probe);

  BOOST_TEST(breaker.is(breaker_state::open));
}

// B2, B8, R35: a probe that comes to nothing gives its permit back.
BOOST_AUTO_TEST_CASE(a_cancelled_probe_gives_its_permit_back) {
  breaker_bench breaker{simple};
  breaker.fail(3);
  breaker.pass_to_due();
  const auto probe = breaker.call();
  BOOST_TEST(breaker.refuses());

  breaker.unit.cancel(probe, breaker.now, breaker.log);
  BOOST_TEST(breaker.unit.probes_in_flight() == 0);
  const auto second = breaker.call();
  breaker.unit.cancel(probe, breaker.now, breaker.log);
  breaker.record(call_result::failed, probe);
  BOOST_TEST(breaker.unit.probes_in_flight() == 1);
  breaker.record(call_result::ok, second);

  BOOST_TEST(breaker.is(breaker_state::closed));
}

// B3
BOOST_AUTO_TEST_CASE(rates_are_inclusive) {
  breaker_bench breaker{windowed({.minimum_calls = 10, .failure_rate = 0.3})};
  breaker.ok(7);

  breaker.fail(2);
  BOOST_TEST(breaker.is(breaker_state::closed));
  breaker.fail();

  BOOST_TEST(breaker.is(breaker_state::open));
  BOOST_TEST(breaker.log.at(0).reason == "3 of 10 calls failed");
}

// B3
BOOST_AUTO_TEST_CASE(slow_is_strictly_greater) {
  breaker_bench breaker{windowed({.minimum_calls = 4, .slow_call = 100ms, .slow_rate = 0.5})};

  for (int i = 0; i < 8; ++i) {
    breaker.record(call_result::ok, breaker.call(), 100ms);
  }
  BOOST_TEST(breaker.is(breaker_state::closed));
  for (int i = 0; i < 7; ++i) {
    breaker.record(call_result::ok, breaker.call(), 100ms + 1ns);
  }
  BOOST_TEST(breaker.is(breaker_state::closed));
  breaker.record(call_result::ok, breaker.call(), 100ms + 1ns);

  BOOST_TEST(breaker.is(breaker_state::open));
  BOOST_TEST(breaker.log.at(0).reason == "8 of 16 calls were slow");
}

// B4
BOOST_AUTO_TEST_CASE(below_the_minimum_of_calls_nothing_opens_it) {
  breaker_bench breaker{windowed()};

  breaker.fail(9);
  BOOST_TEST(breaker.is(breaker_state::closed));
  breaker.fail();

  BOOST_TEST(breaker.is(breaker_state::open));
}

// B4: weighed on failures, slow successes and ticks, not on good calls.
BOOST_AUTO_TEST_CASE(a_good_call_never_opens_it_but_the_next_tick_does) {
  breaker_bench breaker{windowed()};
  breaker.fail(9);

  breaker.ok();
  BOOST_TEST(breaker.is(breaker_state::closed));
  breaker.pass_to_due();

  BOOST_TEST(breaker.is(breaker_state::open));
}

// B4: the good calls leave, the failures stay.
BOOST_AUTO_TEST_CASE(a_tick_sees_the_rate_rise_as_good_calls_leave) {
  breaker_bench breaker{windowed()};
  breaker.ok(20);
  breaker.pass(5s);
  breaker.fail(10);
  BOOST_TEST(breaker.is(breaker_state::closed));

  breaker.pass(5s);

  BOOST_TEST(breaker.is(breaker_state::open));
}

BOOST_AUTO_TEST_CASE(failures_older_than_the_window_count_no_more) {
  breaker_bench breaker{windowed()};
  breaker.fail(9);

  breaker.pass(10s);
  breaker.fail(9);

  BOOST_TEST(breaker.is(breaker_state::closed));
}

BOOST_AUTO_TEST_CASE(a_quiet_closed_breaker_wants_no_tick) {
  breaker_bench breaker{windowed()};
  breaker.ok(100);
  BOOST_TEST(!breaker.unit.next_due().has_value());
  breaker.fail();
  BOOST_TEST(breaker.unit.next_due().has_value());

  breaker.pass(10s);

  BOOST_TEST(!breaker.unit.next_due().has_value());
}

// B5
BOOST_AUTO_TEST_CASE(exactly_as_many_probes_as_written_are_let_through) {
  breaker_bench breaker{with_probes(3)};
  breaker.fail(3);
  breaker.pass_to_due();

  std::vector<admitted> probes;
  for (int i = 0; i < 3; ++i) {
    probes.push_back(breaker.call());
  }
  for (int i = 0; i < 100; ++i) {
    BOOST_TEST(breaker.refuses());
  }
  breaker.record(call_result::ok, probes[1]);
  breaker.record(call_result::ok, probes[1]);
  BOOST_TEST(breaker.refuses());
  breaker.record(call_result::ok, probes[0]);
  BOOST_TEST(breaker.is(breaker_state::half_open));
  breaker.record(call_result::ok, probes[2]);

  BOOST_TEST(breaker.is(breaker_state::closed));
  BOOST_TEST(breaker.log.back().reason == "3 of 3 probes succeeded");
}

BOOST_AUTO_TEST_CASE(one_failed_probe_opens_it_again) {
  breaker_bench breaker{with_probes(3)};
  breaker.fail(3);
  breaker.pass_to_due();
  breaker.ok(2);

  breaker.fail();

  BOOST_TEST(breaker.is(breaker_state::open));
  BOOST_TEST(breaker.unit.probes_in_flight() == 0);
}

// B3: what opened for being slow must not close by being slow.
BOOST_AUTO_TEST_CASE(a_slow_probe_has_failed) {
  breaker_bench breaker{windowed({.minimum_calls = 1, .slow_call = 100ms, .slow_rate = 0.5})};
  breaker.fail();
  breaker.pass_to_due();

  breaker.record(call_result::ok, breaker.call(), 101ms);

  BOOST_TEST(breaker.is(breaker_state::open));
}

// B6
BOOST_AUTO_TEST_CASE(the_wait_grows_by_half_up_to_ten_times_with_jitter) {
  breaker_bench breaker{simple};
  breaker.fail(3);
  bool jittered = false;

  for (const double factor : {1.0, 1.5, 2.25, 3.375, 5.0625, 7.59375, 10.0, 10.0}) {
    const auto seconds = std::chrono::duration<double>(breaker.wait()).count();
    BOOST_TEST(seconds >= 10.0 * factor - 1e-6);
    BOOST_TEST(seconds <= 11.0 * factor + 1e-6);
    jittered = jittered || seconds > 10.0 * factor + 1e-3;
    breaker.pass_to_due();
    breaker.fail();
  }

  BOOST_TEST(jittered);
}

// B6: closing is no quiet time yet.
BOOST_AUTO_TEST_CASE(the_wait_starts_over_only_after_a_quiet_time) {
  breaker_bench breaker{simple};
  breaker.fail(3);
  breaker.pass_to_due();
  breaker.ok();
  breaker.pass(9s);
  breaker.fail(3);
  BOOST_TEST((breaker.wait() >= 15s));
  breaker.pass_to_due();
  breaker.ok();

  breaker.pass(10s);
  breaker.fail(3);

  BOOST_TEST((breaker.wait() <= 11s));
}

// B6: one seed, one wait.
BOOST_AUTO_TEST_CASE(breakers_of_different_seeds_wait_differently) {
  breaker_bench one{simple, 1};
  breaker_bench same{simple, 1};
  breaker_bench other{simple, 2};
  for (auto* each : {&one, &same, &other}) {
    each->fail(3);
  }

  BOOST_TEST((one.wait() == same.wait()));
  BOOST_TEST((one.wait() != other.wait()));
}

// B7
BOOST_AUTO_TEST_CASE(a_refusal_says_when_to_come_back) {
  breaker_bench breaker{simple};
  breaker.fail(3);

  const auto first = std::get<refused>(breaker.ask()).retry_after;
  BOOST_TEST((first >= breaker.wait()));
  BOOST_TEST((first < breaker.wait() + 1ms));
  breaker.now += first;
  const auto probe = breaker.call();
  BOOST_TEST(probe.probe != 0U);

  BOOST_TEST((std::get<refused>(breaker.ask()).retry_after == 2s));
  BOOST_TEST(breaker.unit.refused_calls() == 2U);
}

// B7, B8
BOOST_AUTO_TEST_CASE(only_technical_failures_count) {
  BOOST_TEST((result_of(errc::rejected) == call_result::ok));
  BOOST_TEST((result_of(errc::invalid) == call_result::ok));
  BOOST_TEST((result_of(errc::conflict) == call_result::ok));
  BOOST_TEST((result_of(errc::deadline_exceeded) == call_result::timed_out));
  BOOST_TEST((result_of(errc::crashed) == call_result::failed));
  BOOST_TEST((result_of(errc::internal) == call_result::failed));
  for (const auto refusal : {errc::overloaded, errc::circuit_open, errc::unavailable}) {
    BOOST_TEST(!result_of(refusal).has_value());
  }
}

// B8
BOOST_AUTO_TEST_CASE(cancelled_calls_never_count) {
  breaker_bench breaker{simple};
  breaker.fail(2);

  breaker.unit.cancel(breaker.call(), breaker.now, breaker.log);
  BOOST_TEST(breaker.is(breaker_state::closed));
  breaker.fail();

  BOOST_TEST(breaker.is(breaker_state::open));
}

// B10
BOOST_AUTO_TEST_CASE(forced_open_refuses_everything_for_as_long_as_it_is_said) {
  breaker_bench breaker{simple};
  const auto early = breaker.call();
  breaker.unit.force(breaker_mode::open, "ann", "moving disks", breaker.now, breaker.log);

  breaker.pass(24h);
  breaker.record(call_result::ok, early);

  BOOST_TEST(breaker.refuses());
  BOOST_TEST(!breaker.unit.next_due().has_value());
  BOOST_TEST(breaker.log.size() == 1U);
  BOOST_TEST((breaker.log[0].to == breaker_state::forced_open));
  BOOST_TEST(breaker.log[0].who == "ann");
  BOOST_TEST(breaker.log[0].reason == "moving disks");
}

// B10
BOOST_AUTO_TEST_CASE(forced_closed_and_disabled_let_everything_through) {
  for (const auto mode : {breaker_mode::closed, breaker_mode::disabled}) {
    for (const auto& options : {simple, windowed()}) {
      breaker_bench breaker{options};
      breaker.unit.force(mode, "ann", "a drill", breaker.now, breaker.log);

      breaker.fail(100);
      breaker.pass(1s);

      BOOST_TEST(!breaker.refuses());
      BOOST_TEST(breaker.log.size() == 1U);
      breaker.unit.force(breaker_mode::automatic, "ann", "over", breaker.now, breaker.log);
      BOOST_TEST(breaker.is(breaker_state::closed));
      breaker.fail(2);
      BOOST_TEST(breaker.is(breaker_state::closed));
    }
  }
}

// B10: full traffic at once would be a gamble.
BOOST_AUTO_TEST_CASE(a_breaker_given_back_from_open_probes_first) {
  breaker_bench breaker{simple};
  breaker.unit.force(breaker_mode::open, "ann", "x", breaker.now, breaker.log);

  breaker.unit.force(breaker_mode::automatic, "bob", "fixed", breaker.now, breaker.log);

  BOOST_TEST(breaker.is(breaker_state::half_open));
  breaker.ok();
  BOOST_TEST(breaker.is(breaker_state::closed));
}

// B10
BOOST_AUTO_TEST_CASE(a_forced_state_survives_a_restart) {
  breaker_bench before{simple};
  before.unit.force(breaker_mode::open, "ann", "moving disks", before.now, before.log);

  breaker_bench after{simple, 1, before.unit.forced()};

  BOOST_TEST(after.is(breaker_state::forced_open));
  BOOST_TEST(after.refuses());
  BOOST_TEST(after.unit.forced().who == "ann");
  BOOST_TEST(after.unit.forced().why == "moving disks");
}

// B12
BOOST_AUTO_TEST_CASE(every_transition_is_logged_with_its_epoch) {
  breaker_bench breaker{simple};
  breaker.fail(3);
  breaker.pass_to_due();
  breaker.ok();

  BOOST_REQUIRE(breaker.log.size() == 3U);
  auto from = breaker_state::closed;
  std::uint64_t epoch = 1;
  for (const auto& each : breaker.log) {
    BOOST_TEST((each.from == from));
    BOOST_TEST(each.epoch == ++epoch);
    BOOST_TEST(!each.reason.empty());
    BOOST_TEST(each.who.empty());
    from = each.to;
  }
  BOOST_TEST(breaker.unit.epoch() == epoch);
  BOOST_TEST((from == breaker.unit.state()));
  BOOST_TEST(name_of(breaker_state::half_open) == "half_open");
}

BOOST_AUTO_TEST_CASE(unsound_options_are_refused_all_at_once) {
  breaker_options wrong{.threshold = 0, .timeout = 0ms, .probes = 0, .probe_deadline = 0ms};
  wrong.window = breaker_window{
      .span = 1ms, .minimum_calls = 0, .failure_rate = 0.0, .slow_call = 0ms, .slow_rate = 1.1};

  const auto made = breaker::make(wrong, 1, instant{1h});

  BOOST_REQUIRE(!made);
  for (const auto* name :
       {"threshold",
        "timeout",
        "probes",
        "probe_deadline",
        "span",
        "minimum_calls",
        "failure_rate",
        "slow_call",
        "slow_rate"}) {
    BOOST_TEST(made.error().message.find(name) != std::string::npos, name);
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::supervision
