#include "runtime/wire/node_calls.hpp"
#include "tests/worker/turn_fixture.hpp"

#include <stdexcept>

namespace utf = boost::unit_test;

namespace troupe::test {

BOOST_FIXTURE_TEST_SUITE(
    runtime_worker_faulty_turn, turn_fixture, *utf::label("integration") * utf::timeout(120))

// What is damaged would be read, and written on top of, by every later turn.
BOOST_AUTO_TEST_CASE(damaged_pages_that_a_turn_finds_shut_the_group) {
  BOOST_REQUIRE(p->call("put", thing{"a"}).status == wire::status::ok);
  (void)p->front->take_changed();
  faulty->fail(1, store::faulty_database::when::before, store::database_fault::corrupt);

  const got found = p->call("put", thing{"b"});
  const got later = p->call("put", thing{"c"});
  const got asked = p->call("count", thing{});

  for (const got* each : {&found, &later, &asked}) {
    BOOST_TEST(each->why.code == errc::unavailable);
    BOOST_TEST(each->why.message.find("things.db") != std::string::npos);
    BOOST_TEST(each->why.message.find("restart the worker n1") != std::string::npos);
  }
  const wire::served told = p->front->served(time.now());
  BOOST_TEST(told.credit == 0U);
  BOOST_TEST(told.events == 0U);
  BOOST_TEST(told.shut.has_value());
  BOOST_TEST(things() == 1);
  BOOST_TEST(p->front->queues().calls_in_hand() == 0);
}

BOOST_AUTO_TEST_CASE(damaged_pages_that_a_query_finds_shut_the_group_too) {
  faulty->fail(1, store::faulty_database::when::before, store::database_fault::corrupt);

  p->call("count", thing{});

  BOOST_TEST(p->front->condition().why_shut() != nullptr);
  BOOST_TEST(p->call("put", thing{"c"}).why.code == errc::unavailable);
}

BOOST_AUTO_TEST_CASE(damaged_pages_found_while_the_group_is_down_shut_it_too) {
  p->runner->set_down(true);
  faulty->fail(1, store::faulty_database::when::before, store::database_fault::corrupt);

  const got refused = p->call("put", thing{"a"}); // The group gives its work up first.

  BOOST_TEST(refused.why.message.find("restart the worker n1") != std::string::npos);
  BOOST_TEST(p->front->served(time.now()).shut.has_value());
}

BOOST_AUTO_TEST_CASE(damaged_pages_found_while_looking_for_stored_answers_shut_the_group_too) {
  seen.on_effect = [](const effect_call&) -> outcome<count> {
    return failure{error{.code = errc::unavailable, .message = "not now"}};
  };
  p->call("send", thing{"a"});
  p->runner->set_down(true);
  keep_house(); // The group has given its work up, and waits for others to do it.
  faulty->fail(1, store::faulty_database::when::before, store::database_fault::corrupt);

  keep_house();

  BOOST_TEST(p->front->served(time.now()).shut.has_value());
  const int calls = faulty->calls();
  keep_house();
  BOOST_TEST(faulty->calls() == calls); // Nothing reads the database any more.
}

BOOST_AUTO_TEST_CASE(an_order_whose_turn_was_undone_has_nothing_settled) {
  const uuid key = keep_effect();
  seen.settle_throws = 2; // It is tried twice in its turn.
  p->send(result_of(key, {false, wire::encoded(count{1})}));
  p->run();
  const auto order = [&](const uuid& which) {
    item one{.what = item::kind::person_order};
    one.slot = 0;
    one.id = p->fresh_id();
    one.deadline = time.now() + 10s;
    one.operation = "settle_effects";
    one.own_body(wire::encoded(wire::settle_effects{.capability = "things", .key = which}));
    const uuid asked = one.id;
    p->send(std::move(one));
    p->run();
    return p->replies[asked].status;
  };
  const int before = faulty->calls();
  BOOST_TEST(order(p->fresh_id()) == wire::status::ok); // There is no such result.
  const int calls_of_order = faulty->calls() - before;

  faulty->fail(calls_of_order, store::faulty_database::when::before, store::database_fault::full);
  BOOST_TEST(order(key) == wire::status::error);
  BOOST_TEST(faulty->failed());
  BOOST_TEST(seen.settled == 0);
  BOOST_TEST(order(key) == wire::status::ok);
  BOOST_TEST(seen.settled == 1);
}

// Tried again with the others of its turn, it would keep all of them waiting forever.
BOOST_AUTO_TEST_CASE(a_statement_that_took_too_long_is_laid_upon_its_message) {
  seen.writes_events = true;
  seen.on_event = [](const thing& event, turn&, const event_info&) -> outcome<void> {
    if (event.name == "slow") {
      throw store::database_error{store::database_fault::too_long, "it took too long"};
    }
    return {};
  };
  p->assign_all(1);
  p->run();
  p->deliver(1, "a", thing{"quick"});
  p->deliver(2, "b", thing{"slow"});
  p->deliver(3, "c", thing{"quick, too"});
  p->run();
  p->start(0, 2); // Its instance is made again, as after a throw.
  p->run();

  BOOST_TEST(things() == 2);
  BOOST_TEST(p->number("SELECT COUNT(*) FROM postponed") == 1);
  BOOST_TEST(p->number("SELECT attempts FROM postponed WHERE position = 2") == 1);
}

// A full disk is not its fault, so that it waits no longer for it.
BOOST_AUTO_TEST_CASE(a_failed_settlement_whose_turn_was_undone_does_not_count) {
  seen.settle_throws = 100;
  const auto settle = [&](const uuid& key) {
    p->send(result_of(key, {false, wire::encoded(count{1})}));
    p->run();
    return p->later.back().what.attempt;
  };
  const uuid first = keep_effect();
  const int before = faulty->calls();
  BOOST_TEST(settle(first) == 2U);
  const int calls_of_turn = faulty->calls() - before;
  const uuid second = keep_effect();

  faulty->fail(calls_of_turn, store::faulty_database::when::before, store::database_fault::full);

  BOOST_TEST(settle(second) == 1U);
  BOOST_TEST(faulty->failed());
  BOOST_TEST((p->later.back().delay == 200ms));
}

// Else the turn would be run again without end, with the lock held.
BOOST_AUTO_TEST_CASE(an_event_whose_failure_cannot_be_written_down_waits) {
  const auto script = [&](std::string_view sql) {
    store::transaction writing{*inner};
    inner->script(sql);
    writing.commit();
  };
  seen.on_event = [](const thing&, turn&, const event_info&) -> outcome<void> {
    throw std::runtime_error{"a bug"};
  };
  p->assign_all(1);
  p->run();
  script("CREATE TRIGGER broken BEFORE INSERT ON postponed BEGIN SELECT RAISE(ABORT, 'no'); END;");

  p->deliver(1, "k", thing{"a"});
  p->run();
  BOOST_TEST(p->number("SELECT COUNT(*) FROM postponed") == 0);
  BOOST_TEST(p->later.size() == 1U);
  script("DROP TRIGGER broken;");
  p->start(0, 2); // As the supervisor does.
  p->come_back();
  p->run();

  BOOST_TEST(p->number("SELECT attempts FROM postponed") == 1);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
