#include "tests/worker/process_fixture.hpp"

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

struct runner_fixture {
  runner_fixture()
      : p{std::make_unique<process>(time, "n1", things_type(seen), things_options(folder))} {
    p->start();
  }

  temporary_folder folder;
  manual_clock time;
  probe seen;
  std::unique_ptr<process> p;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_worker_runner, runner_fixture, *utf::label("integration") * utf::timeout(120))

BOOST_AUTO_TEST_CASE(without_instance_items_wait_and_nothing_is_lost) {
  p->call("throw", thing{"x"});
  const uuid id = p->send("put", wire::encoded(thing{"a"}));
  p->run();
  BOOST_TEST(!p->replies.contains(id));

  p->start(0, 2);
  p->run();

  BOOST_TEST(p->replies[id].status == wire::status::ok);
  BOOST_TEST(p->front->queues().calls_in_hand() == 0);
}

// Else a constructor that hangs would leave the group neither up nor down, and nobody would say so.
BOOST_AUTO_TEST_CASE(the_watchdog_sees_a_constructor) {
  const process* made = nullptr;
  std::optional<instant> busy;
  actor_type type = things_type(seen);
  type.make = [&, make = type.make](const context& with) {
    busy = made->runner->busy().busy_since();
    return make(with);
  };
  process other{time, "n2", type, things_options(folder)};
  made = &other;

  other.start();
  BOOST_TEST((busy == time.now()));
  BOOST_TEST(!other.runner->busy().busy_since());
  seen.make_fails = 1;
  other.start(0, 2);

  BOOST_TEST(!other.runner->busy().busy_since());
}

// Whoever repeats a message that makes its handler throw must not hold the others up.
BOOST_AUTO_TEST_CASE(a_message_that_threw_waits_and_is_tried_again_alone) {
  const uuid bad = p->fresh_id();
  BOOST_TEST(p->call(bad, "throw", thing{"x"}).why.code == errc::crashed);
  p->start(0, 2);

  const got waits = p->call(bad, "throw", thing{"x"});
  BOOST_TEST(waits.why.code == errc::unavailable);
  BOOST_TEST((waits.why.possible == effect::none));
  BOOST_TEST((waits.why.retry_after == offenders::wait_first));
  BOOST_TEST(all_of<supervision::child_exited>(p->events).size() == 1U);

  time.advance(offenders::wait_first);
  const std::int64_t turns = p->front->counters().turns.load();
  const uuid before = p->send("put", wire::encoded(thing{"before"}));
  p->send(bad, "throw", wire::encoded(thing{"x"}));
  const uuid after = p->send("put", wire::encoded(thing{"after"}));
  p->run();
  BOOST_TEST(p->replies[before].status == wire::status::ok);
  BOOST_TEST(p->replies[bad].why.code == errc::crashed);
  p->start(0, 3);
  p->run();
  BOOST_TEST(p->replies[after].status == wire::status::ok);
  BOOST_TEST(p->front->counters().turns.load() == turns + 3); // No turn was run twice.
}

BOOST_AUTO_TEST_CASE(the_repeats_of_a_message_that_throws_do_not_open_the_breaker) {
  const uuid bad = p->fresh_id();
  for (std::uint64_t i = 1; i <= 20; ++i) {
    BOOST_TEST(p->call(bad, "throw", thing{"x"}).why.code == errc::crashed);
    p->start(0, i + 1);
    time.advance(offenders::wait_most);
  }

  BOOST_TEST(p->call("put", thing{"a"}).status == wire::status::ok);
}

// A drain ends the socket loop once nothing is in hand: what only the inlet has would be lost.
BOOST_AUTO_TEST_CASE(a_call_is_in_hand_until_the_socket_loop_has_its_reply) {
  p->assign_all(1);
  p->run();
  p->send("put", wire::encoded(thing{"a"}));
  p->deliver(1, "k", thing{"b"});

  while (p->runner->run()) {
  }

  BOOST_TEST(p->front->queues().calls_in_hand() == 1);
  BOOST_TEST(p->front->queues().events_in_hand() == 1);
  p->run();
  BOOST_TEST(p->replies.size() == 1U);
  BOOST_TEST(p->handled.size() == 1U);
  BOOST_TEST(p->front->queues().calls_in_hand() == 0);
  BOOST_TEST(p->front->queues().events_in_hand() == 0);
}

BOOST_AUTO_TEST_CASE(a_group_that_goes_down_refuses_its_backlog_and_keeps_what_is_its_own) {
  p->call("throw", thing{"x"});
  const uuid id = p->send("put", wire::encoded(thing{"a"}));
  item done{.what = item::kind::effect_done};
  done.own_body("");
  p->send(std::move(done));
  p->keep_house({p->incarnation});
  p->front->condition().set_down(time.now() + 5s, "too many failures");
  p->runner->set_down(true);
  p->run();

  BOOST_TEST(p->replies[id].why.code == errc::unavailable);
  BOOST_TEST((p->replies[id].why.retry_after == 5s));
  BOOST_REQUIRE(p->later.size() == 1U); // There will be another housekeeping.
  BOOST_TEST((p->later[0].what.what == item::kind::effect_done));
  BOOST_TEST(p->front->queues().calls_in_hand() == 0);
}

BOOST_AUTO_TEST_CASE(an_open_breaker_refuses_and_a_repeat_from_the_inbox_does_not_close_it) {
  const uuid known = p->fresh_id();
  p->call(known, "put", thing{"a"});
  for (std::uint64_t i = 0; i < 5; ++i) {
    p->call("throw", thing{"x"});
    p->start(0, i + 2);
  }
  BOOST_TEST(p->front->breaker_report().state == "open");
  BOOST_TEST(p->call("put", thing{"b"}).why.code == errc::circuit_open);
  time.advance(70s);

  p->call(known, "put", thing{"a"});
  BOOST_TEST(p->front->breaker_report().state == "half_open");
  p->call("put", thing{"c"});

  BOOST_TEST(p->front->breaker_report().state == "closed");
}

// The turn is long enough after the first probe, and leaves the second one to the next turn.
BOOST_AUTO_TEST_CASE(a_probe_that_waits_for_the_next_turn_is_still_a_probe) {
  auto options = things_options(folder);
  options.breaker.probes = 2;
  p = std::make_unique<process>(time, "n1", things_type(seen), options);
  p->start();
  for (std::uint64_t i = 0; i < 5; ++i) {
    p->call("throw", thing{"x"});
    p->start(0, i + 2);
  }
  BOOST_TEST(p->front->breaker_report().state == "open");
  time.advance(70s);
  seen.on_handle = [&](const thing&) { time.advance(10ms); };
  const uuid first = p->send("put", wire::encoded(thing{"a"}));
  const uuid second = p->send("put", wire::encoded(thing{"b"}));

  p->run();

  BOOST_TEST(p->replies[first].status == wire::status::ok);
  BOOST_TEST(p->replies[second].status == wire::status::ok);
  BOOST_TEST(p->front->breaker_report().state == "closed");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
