// When a breaker opens, how results count, and the probes.
#include "tests/supervision/breaker_bench.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::supervision {

BOOST_AUTO_TEST_SUITE(runtime_supervision_breaker, *utf::label("unit") * utf::timeout(30))

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
}

// B1: results that come while the breaker is open change nothing either.
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

// B2
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

// B2: no tick is needed for this.
BOOST_AUTO_TEST_CASE(an_answer_at_the_deadline_is_too_late) {
  breaker_bench breaker{simple};
  breaker.fail(3);
  breaker.pass_to_due();
  const auto probe = breaker.call();

  breaker.now += 2s;
  breaker.record(call_result::ok, probe);

  BOOST_TEST(breaker.is(breaker_state::open));
}

// B2, B8
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

// B4: the window is weighed at failures, slow successes and ticks.
BOOST_AUTO_TEST_CASE(a_good_call_never_opens_it_but_the_next_tick_does) {
  breaker_bench breaker{windowed()};
  breaker.fail(9);

  breaker.ok();
  BOOST_TEST(breaker.is(breaker_state::closed));
  breaker.pass_to_due();

  BOOST_TEST(breaker.is(breaker_state::open));
}

// B4: the good calls leave the window, the failures stay.
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

// B3: a breaker that opened because of slow calls must not close by a slow one.
BOOST_AUTO_TEST_CASE(a_slow_probe_has_failed) {
  breaker_bench breaker{windowed({.minimum_calls = 1, .slow_call = 100ms, .slow_rate = 0.5})};
  breaker.fail();
  breaker.pass_to_due();

  breaker.record(call_result::ok, breaker.call(), 101ms);

  BOOST_TEST(breaker.is(breaker_state::open));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::supervision
