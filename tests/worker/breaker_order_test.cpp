#include "tests/store/faulty_database.hpp"
#include "tests/worker/process_fixture.hpp"

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

struct order_fixture {
  temporary_folder folder;
  manual_clock time;
  probe seen;
  uuid_source ids{99};
  // Outlives the processes: the real session, where a faulty one stands before it.
  std::unique_ptr<store::database> inner;
  store::faulty_database* faulty = nullptr;
  std::unique_ptr<process> p = make("n1");

  std::unique_ptr<process>
  make(const std::string& node, std::function<void(runner_store&)> change_store = {}) {
    time.advance(1ms); // Incarnations sort by their birth.
    auto made = std::make_unique<process>(
        time, node, things_type(seen), things_options(folder), std::move(change_store));
    made->start();
    return made;
  }

  /// Puts an order into the work queue, as the socket loop does. Nothing runs.
  uuid send(
      process& to,
      std::string mode,
      bool only_here = false,
      std::optional<uuid> request = {},
      milliseconds within = 10s) {
    item order{.what = item::kind::breaker_order};
    order.slot = 0;
    order.id = ids.next(time.wall());
    order.deadline = time.now() + within;
    order.operation = "force_breaker";
    order.own_body(wire::encoded(wire::force_breaker{
        .capability = "things",
        .mode = std::move(mode),
        .who = "ann",
        .why = "moving disks",
        .request = request.value_or(order.id),
        .only_here = only_here}));
    const uuid id = order.id;
    to.front->queues().add_call({}) = std::move(order);
    to.front->queues().push_added();
    return id;
  }

  got force(
      process& at, std::string mode, bool only_here = false, std::optional<uuid> request = {}) {
    const uuid id = send(at, std::move(mode), only_here, request);
    at.run();
    return at.replies[id];
  }

  static wire::breaker_report report_in(const got& reply) {
    auto read = wire::checked_decode<wire::breaker_report>(reply.body);
    BOOST_REQUIRE_MESSAGE(read, reply.why.message);
    return *read;
  }

  static std::string state_of(const process& of) { return of.front->breaker_report().state; }

  static void keep_house(process& at) {
    at.keep_house({at.incarnation});
    at.run();
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_worker_breaker_order, order_fixture, *utf::label("integration") * utf::timeout(240))

BOOST_AUTO_TEST_CASE(forced_open_is_answered_when_kept_and_calls_are_refused_in_words) {
  const auto report = report_in(force(*p, "open"));
  const got refused = p->call("put", thing{"a"});

  BOOST_TEST(report.state == "forced_open");
  BOOST_TEST(report.durable);
  BOOST_REQUIRE(report.order.has_value());
  BOOST_TEST(report.order->who == "ann");
  BOOST_TEST(refused.why.code == errc::circuit_open);
  BOOST_TEST(
      refused.why.message == "the breaker of `things` on n1 is forced open by ann: moving disks");
  BOOST_TEST(p->front->queues().calls_in_hand() == 0);
  // Brokers get a state that they know, and why.
  const wire::served told = p->front->served(time.now());
  BOOST_TEST(told.breaker == "open");
  BOOST_TEST(told.retry_after_ms == 60'000U);
  BOOST_TEST(told.forced.value_or("") == "forced open by ann: moving disks");
}

BOOST_AUTO_TEST_CASE(an_order_survives_the_death_of_the_process) {
  force(*p, "open");
  const auto before = p->front->breaker_report();

  p.reset();
  p = make("n1");

  BOOST_TEST(wire::encoded(p->front->breaker_report()) == wire::encoded(before));
  BOOST_TEST(p->front->take_changed());
  BOOST_TEST(p->call("put", thing{"a"}).why.code == errc::circuit_open);
}

BOOST_AUTO_TEST_CASE(a_breaker_given_back_probes_and_stays_given_back_after_a_restart) {
  force(*p, "open");

  BOOST_TEST(report_in(force(*p, "auto")).state == "half_open");
  BOOST_TEST(p->call("put", thing{"a"}).status == wire::status::ok);
  BOOST_TEST(state_of(*p) == "closed");
  BOOST_TEST(!p->front->served(time.now()).forced.has_value());
  p.reset();
  p = make("n1");

  BOOST_TEST(state_of(*p) == "closed");
  BOOST_TEST(p->call("put", thing{"b"}).status == wire::status::ok);
}

BOOST_AUTO_TEST_CASE(a_breaker_forced_closed_does_not_open_and_brokers_are_told_closed) {
  force(*p, "closed");

  for (std::uint64_t i = 0; i < 6; ++i) { // The threshold is 5.
    BOOST_TEST(p->call("throw", thing{"x"}).why.code == errc::crashed);
    p->start(0, i + 2);
  }

  BOOST_TEST(state_of(*p) == "forced_closed");
  BOOST_TEST(p->front->served(time.now()).breaker == "closed");
  BOOST_TEST(p->call("put", thing{"a"}).status == wire::status::ok);
}

BOOST_AUTO_TEST_CASE(another_process_of_the_database_obeys_without_being_told) {
  auto other = make("n2");

  force(*p, "open");
  keep_house(*other);
  BOOST_TEST(state_of(*other) == "forced_open");
  force(*other, "auto");
  keep_house(*p);

  BOOST_TEST(state_of(*p) == "half_open");
}

BOOST_AUTO_TEST_CASE(an_order_for_one_node_is_that_nodes_alone_also_after_a_restart) {
  auto other = make("n2");

  force(*p, "open", true);
  keep_house(*other);
  BOOST_TEST(state_of(*other) == "closed");
  p.reset();
  p = make("n1");

  BOOST_TEST(state_of(*p) == "forced_open");
}

// Each node gets the command; the first one writes it down, also for the others.
BOOST_AUTO_TEST_CASE(one_command_to_two_nodes_is_written_down_once) {
  auto other = make("n2");
  const uuid request = ids.next(time.wall());

  const auto first = report_in(force(*p, "open", false, request));
  time.advance(5s);
  const auto second = report_in(force(*other, "open", false, request));
  const auto again = report_in(force(*p, "open", false, request));

  BOOST_TEST(second.state == "forced_open");
  BOOST_TEST(second.order->since == first.order->since);
  BOOST_TEST(wire::encoded(again) == wire::encoded(first));
  BOOST_TEST(p->number("SELECT COUNT(*) FROM forced_breakers") == 1);
}

// The repeat of a call may be on its way for longer than somebody needs to think again.
BOOST_AUTO_TEST_CASE(a_late_repeat_of_an_older_order_does_not_undo_a_newer_one) {
  auto other = make("n2");
  const uuid older = ids.next(time.wall());
  const uuid alone = ids.next(time.wall());
  force(*p, "open", false, older);
  force(*p, "disabled", true, alone);
  force(*p, "closed");

  const auto here = report_in(force(*p, "open", false, older));
  const auto there = report_in(force(*other, "open", false, older));
  const auto only = report_in(force(*p, "disabled", true, alone));

  BOOST_TEST(here.state == "forced_closed");
  BOOST_TEST(there.state == "forced_closed");
  BOOST_TEST(only.state == "forced_closed");
  BOOST_TEST(
      report_in(force(*other, "disabled", true, alone)).state == "disabled"); // Not there yet.
  BOOST_TEST(state_of(*p) == "forced_closed");
}

BOOST_AUTO_TEST_CASE(without_a_store_a_late_repeat_does_not_undo_a_newer_order_either) {
  auto options = things_options(folder);
  options.database.reset();
  process storeless{time, "n1", things_type(seen), options};
  group_breaker& breaker = storeless.front->breaker();
  const store::forced_breaker older{"open", "ann", "a", ids.next(time.wall()), time.wall()};
  const store::forced_breaker newer{"closed", "bob", "b", ids.next(time.wall()), time.wall()};

  breaker.force_once(older, time.now());
  breaker.force_once(newer, time.now());
  breaker.force_once(older, time.now());

  BOOST_TEST(state_of(storeless) == "forced_closed");
}

// Whichever step of the turn fails: an order that was answered holds, and in the end the process
// does what the database says.
BOOST_AUTO_TEST_CASE(an_order_that_could_not_be_kept_is_not_said_to_hold) {
  p.reset();
  p = make("n1", [this](runner_store& store) {
    inner = std::move(store.database);
    auto made = std::make_unique<store::faulty_database>(*inner);
    faulty = made.get();
    store.database = std::move(made);
  });
  int refused = 0;
  for (const auto moment :
       {store::faulty_database::when::before, store::faulty_database::when::after}) {
    for (int nth = 1; nth <= 7; ++nth) {
      const std::string mode = nth % 2 == 0 ? "open" : "disabled";
      const std::string before = state_of(*p);
      faulty->fail(nth, moment, store::database_fault::io);

      const got reply = force(*p, mode);
      if (reply.status == wire::status::error) {
        ++refused;
        BOOST_TEST(state_of(*p) == before);
      } else {
        BOOST_TEST(state_of(*p) == (mode == "open" ? "forced_open" : "disabled"));
      }
      BOOST_TEST(p->front->queues().calls_in_hand() == 0);
      force(*p, mode);
      BOOST_TEST(
          p->number("SELECT COUNT(*) FROM forced_breakers WHERE mode = '" + mode + "'") == 1);
      BOOST_TEST(state_of(*p) == (mode == "open" ? "forced_open" : "disabled"));
    }
  }
  BOOST_TEST(refused >= 6);
}

// Housekeeping reads the last order again each time.
BOOST_AUTO_TEST_CASE(an_order_given_before_changes_nothing) {
  const store::forced_breaker said{
      "open", "ann", "moving disks", ids.next(time.wall()), time.wall()};
  p->front->breaker().force(said, time.now());
  BOOST_TEST(p->front->take_changed());

  p->front->breaker().force(said, time.now());

  BOOST_TEST(!p->front->take_changed());
}

BOOST_AUTO_TEST_CASE(an_order_that_came_too_late_is_not_carried_out) {
  const uuid id = send(*p, "open", false, {}, 0ms);
  p->run();

  BOOST_TEST(p->replies[id].why.code == errc::deadline_exceeded);
  BOOST_TEST(state_of(*p) == "closed");
}

BOOST_AUTO_TEST_CASE(a_group_that_is_down_refuses_the_order) {
  p->front->condition().set_down(time.now() + 5s, "too many failures");
  p->runner->set_down(true);

  BOOST_TEST(force(*p, "open").why.code == errc::unavailable);
  BOOST_TEST(p->front->queues().calls_in_hand() == 0);
  BOOST_TEST(p->number("SELECT COUNT(*) FROM forced_breakers") == 0);
}

BOOST_AUTO_TEST_CASE(without_a_store_the_report_says_that_an_order_does_not_last) {
  auto options = things_options(folder);
  options.database.reset();
  process storeless{time, "n1", things_type(seen), options};

  storeless.front->breaker().force(
      {"open", "ann", "moving disks", ids.next(time.wall()), time.wall()}, time.now());

  BOOST_TEST(storeless.front->breaker_report().state == "forced_open");
  BOOST_TEST(!storeless.front->breaker_report().durable);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
