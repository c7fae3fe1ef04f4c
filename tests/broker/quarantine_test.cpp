#include "runtime/broker/quarantine.hpp"

#include <boost/test/unit_test.hpp>

namespace troupe::broker {

namespace utf = boost::unit_test;

BOOST_AUTO_TEST_SUITE(runtime_broker_quarantine, *utf::label("unit") * utf::timeout(5))

using work = quarantine::work;
using namespace std::chrono_literals;

constexpr login_id n1{1};
constexpr login_id n2{2};
constexpr login_id none{nowhere};
constexpr suspect_of calls = suspect_of::calls;
constexpr suspect_of mail{0};
constexpr suspect_of stock{1};

struct quarantine_fixture {
  quarantine_fixture() {
    tested.join(work::calls);
    tested.join(work::events);
  }

  void empty() {
    tested.emptied(work::calls);
    tested.emptied(work::events);
  }

  quarantine tested;
};

BOOST_FIXTURE_TEST_CASE(a_turn_is_granted_when_calls_and_events_are_out, quarantine_fixture) {
  tested.request(calls, n1);
  BOOST_TEST((tested.node() == n1));
  BOOST_TEST(!tested.is_granted(calls));

  tested.emptied(work::events);
  BOOST_TEST(!tested.is_granted(calls));
  tested.emptied(work::calls);

  BOOST_TEST(tested.is_granted(calls));
}

BOOST_FIXTURE_TEST_CASE(one_suspect_at_a_time_in_the_order_they_asked, quarantine_fixture) {
  tested.request(mail, n1);
  tested.request(calls, n2);
  tested.request(stock, n2);
  empty();
  BOOST_TEST(tested.is_granted(mail));
  BOOST_TEST(!tested.has_turn(calls));

  tested.release(mail);

  BOOST_TEST((tested.node() == n2));
  BOOST_TEST(tested.has_turn(calls));
  BOOST_TEST(!tested.is_granted(calls)); // `emptied` counts for one turn only.
  tested.release(calls);
  empty();
  BOOST_TEST(tested.is_granted(stock));
}

BOOST_FIXTURE_TEST_CASE(who_leaves_the_line_holds_nobody_up, quarantine_fixture) {
  tested.request(mail, n1);
  tested.request(calls, n2);
  tested.request(stock, n1);

  tested.release(calls);
  tested.release(calls);
  BOOST_TEST(tested.has_turn(mail));
  tested.release(mail);

  BOOST_TEST(tested.has_turn(stock));
}

BOOST_FIXTURE_TEST_CASE(another_node_keeps_the_place_and_begins_the_turn_anew, quarantine_fixture) {
  tested.request(calls, n1);
  tested.request(mail, n1);
  empty();
  const std::uint64_t before = tested.changes();

  tested.request(calls, n1);
  BOOST_TEST(tested.is_granted(calls));
  BOOST_TEST(tested.changes() == before);
  tested.request(calls, n2);

  BOOST_TEST(tested.has_turn(calls));
  BOOST_TEST((tested.node() == n2));
  BOOST_TEST(!tested.is_granted(calls));
}

// Router and bus are told when this rises, and only then.
BOOST_FIXTURE_TEST_CASE(changes_rise_when_a_turn_begins_is_granted_and_ends, quarantine_fixture) {
  tested.request(calls, n1);
  BOOST_TEST(tested.changes() == 1U);
  tested.request(mail, n2);
  BOOST_TEST(tested.changes() == 1U);
  empty();
  empty();
  BOOST_TEST(tested.changes() == 2U);
  tested.release(calls);
  BOOST_TEST(tested.changes() == 3U);
  tested.release(mail);
  BOOST_TEST(tested.changes() == 4U);
  BOOST_TEST((tested.node() == none));
  empty();
  BOOST_TEST(tested.changes() == 4U);
}

struct timed_quarantine : quarantine_fixture {
  timed_quarantine() { tested.tick(now); }

  void pass(milliseconds by) {
    for (const instant until = now + by; now < until;) {
      now += 10ms;
      tested.tick(now);
    }
  }

  instant now{1h};
};

// A slow call keeps its node from being empty, and must not keep it from its other work.
BOOST_FIXTURE_TEST_CASE(a_turn_that_is_not_granted_is_put_off_and_waits_longer, timed_quarantine) {
  tested.request(calls, n1);
  pass(quarantine::patience_first);
  BOOST_TEST((tested.node() == n1));
  pass(10ms);
  BOOST_TEST((tested.node() == none));
  BOOST_TEST(!tested.has_turn(calls));

  pass(quarantine::patience_first); // The node has as much time for the others.
  BOOST_TEST((tested.node() == n1));
  pass(2 * quarantine::patience_first - 20ms);
  BOOST_TEST((tested.node() == n1));
  empty();
  BOOST_TEST(tested.is_granted(calls));
}

BOOST_FIXTURE_TEST_CASE(a_suspect_that_hangs_does_not_keep_its_node_for_itself, timed_quarantine) {
  tested.request(calls, n1);
  tested.request(mail, n1);
  empty();
  pass(quarantine::alone_most + 20ms);
  BOOST_TEST((tested.node() == none));

  pass(quarantine::alone_most + 20ms);
  BOOST_TEST(tested.has_turn(mail));
  tested.release(calls); // Its late answer changes nothing.
  BOOST_TEST(tested.has_turn(mail));
}

// A thousand suspects, each answered soon, are no less a burden than one that hangs.
BOOST_FIXTURE_TEST_CASE(suspects_in_a_row_leave_half_of_the_time_to_the_others, timed_quarantine) {
  int kept = 0;
  int let_go = 0;
  tested.request(calls, n1);
  for (int i = 0; i < 1'000; ++i) {
    empty();
    if (tested.is_granted(calls)) {
      tested.release(calls);
      tested.request(calls, n1);
    }
    pass(10ms);
    ++(tested.node() == n1 ? kept : let_go);
  }
  BOOST_TEST(kept > 300);
  BOOST_TEST(let_go > 300);
}

BOOST_FIXTURE_TEST_CASE(after_a_pause_a_turn_begins_without_a_debt, timed_quarantine) {
  tested.request(calls, n1);
  empty();
  tested.release(calls);
  pass(10ms);
  BOOST_TEST(!tested.is_busy()); // Nobody has to tick it any more.

  now += 1h;
  tested.request(calls, n1);
  BOOST_TEST((tested.node() == n1));
  pass(30ms);
  BOOST_TEST((tested.node() == n1));
}

// A broker without a journal has no events.
BOOST_AUTO_TEST_CASE(work_that_never_joined_is_not_waited_for) {
  quarantine tested;
  tested.join(work::calls);
  tested.request(calls, n1);

  tested.emptied(work::calls);

  BOOST_TEST(tested.is_granted(calls));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
