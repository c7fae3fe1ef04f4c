// The wait of an open breaker, its answers and records, and forced states.
#include "tests/supervision/breaker_bench.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::supervision {

BOOST_AUTO_TEST_SUITE(runtime_supervision_breaker_wait, *utf::label("unit") * utf::timeout(30))

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

// B6: to close is not enough.
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

// B6, B10: a person has looked at the trouble.
BOOST_AUTO_TEST_CASE(the_wait_starts_over_when_a_person_has_taken_the_breaker_over) {
  breaker_bench breaker{simple};
  breaker.fail(3);
  for (int i = 0; i < 4; ++i) {
    breaker.pass_to_due();
    breaker.fail();
  }
  BOOST_TEST((breaker.wait() >= 50s));
  breaker.unit.force(breaker_mode::open, "ann", "moving disks", breaker.now, breaker.log);
  breaker.unit.force(breaker_mode::automatic, "ann", "moved", breaker.now, breaker.log);

  breaker.fail();

  BOOST_TEST(breaker.is(breaker_state::open));
  BOOST_TEST((breaker.wait() <= 17s));
}

// B6: the same seed gives the same wait.
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

// B10
BOOST_AUTO_TEST_CASE(a_mode_is_found_by_the_name_it_is_stored_under) {
  for (const auto mode :
       {breaker_mode::automatic,
        breaker_mode::open,
        breaker_mode::closed,
        breaker_mode::disabled}) {
    BOOST_TEST((mode_named(name_of(mode)) == mode));
  }
  BOOST_TEST(name_of(breaker_mode::automatic) == "auto");
  BOOST_TEST(!mode_named("forced_open").has_value());
  BOOST_TEST(!mode_named("").has_value());
}

// B10: full traffic at once could overrun a capability that is not well yet.
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

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::supervision
