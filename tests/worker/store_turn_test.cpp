#include "tests/store/engine.hpp"
#include "tests/worker/turn_fixture.hpp"

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

std::int64_t value_of(const got& reply) {
  const auto decoded = wire::decode<count>(reply.body);
  return decoded ? decoded->value : -1;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_worker_store_turn, turn_fixture, *utf::label("integration") * utf::timeout(120))

BOOST_AUTO_TEST_CASE(a_repeat_is_answered_from_the_inbox_and_not_run_again) {
  const uuid id = p->fresh_id();

  const got first = p->call(id, "put", thing{"a"});
  const got second = p->call(id, "put", thing{"a"});

  BOOST_TEST(first.status == wire::status::ok);
  BOOST_TEST(second.body == first.body);
  BOOST_TEST(seen.handled == 1);
  BOOST_TEST(p->front->counters().repeats == 1U);
}

BOOST_AUTO_TEST_CASE(a_repeat_in_the_same_turn_is_answered_too) {
  const uuid id = p->fresh_id();

  p->send(id, "put", wire::encoded(thing{"a"}));
  p->send(id, "put", wire::encoded(thing{"a"}));
  p->run();

  BOOST_TEST(p->answered_in_order.size() == 2U);
  BOOST_TEST(seen.handled == 1);
  BOOST_TEST(p->front->queues().calls_in_hand() == 0);
}

BOOST_AUTO_TEST_CASE(a_delay_beyond_all_time_is_not_in_the_past) {
  p->assign_all(1);
  p->run();
  seen.writes_events = false;
  seen.on_event = [](const thing& event, turn& turn, const event_info&) -> outcome<void> {
    turn.publish_after(
        event.name == "late" ? milliseconds::max() : milliseconds::min(), "t", event);
    return {};
  };

  p->deliver(1, "k", thing{"late"});
  p->run();

  BOOST_TEST(p->number("SELECT COUNT(*) FROM timers WHERE due_at > 9000000000000") == 1);
  p->deliver(2, "k", thing{"early"});
  p->run();
  BOOST_TEST(p->number("SELECT COUNT(*) FROM timers") == 2);
  BOOST_TEST(p->number("SELECT MIN(due_at) FROM timers") == 0);
}

// Many inbox rows are inserted with one statement: each message must find its own.
BOOST_AUTO_TEST_CASE(each_of_many_messages_of_a_turn_is_known_by_its_own_row) {
  std::vector<uuid> ids;
  for (int n = 0; n < 75; ++n) {
    ids.push_back(p->fresh_id());
    p->send(ids.back(), "put", wire::encoded(thing{std::to_string(n)}));
  }
  p->run();

  BOOST_TEST(p->front->counters().turns == 1U);
  BOOST_TEST(inbox() == 75);
  for (std::size_t n = 0; n < ids.size(); ++n) {
    const got again = p->call(ids[n], "put", thing{std::to_string(n)});
    BOOST_TEST(value_of(again) == static_cast<std::int64_t>(n) + 1);
  }
  BOOST_TEST(seen.handled == 75);
  BOOST_TEST(p->front->counters().repeats == 75U);
}

BOOST_AUTO_TEST_CASE(a_known_id_with_another_body_or_operation_is_a_conflict) {
  const uuid id = p->fresh_id();
  p->call(id, "put", thing{"a"});

  BOOST_TEST(p->call(id, "put", thing{"b"}).why.code == errc::conflict);
  BOOST_TEST(p->call(id, "put", thing{"b"}).why.detail("reason") == "id_reused");
  BOOST_TEST(p->call(id, "refuse", thing{"a"}).why.code == errc::conflict);
  BOOST_TEST(things() == 1);
}

BOOST_AUTO_TEST_CASE(a_refusal_undoes_what_was_written_and_is_stored_as_the_answer) {
  const uuid id = p->fresh_id();
  p->send("put", wire::encoded(thing{"before"}));
  p->send(id, "refuse", wire::encoded(thing{"a"}));
  p->send("put", wire::encoded(thing{"after"}));
  p->run();
  const int handled = seen.handled;

  const got again = p->call(id, "refuse", thing{"a"});

  BOOST_TEST(things() == 2);
  BOOST_TEST(again.why.code == errc::rejected);
  BOOST_TEST(again.why.detail("reason") == "no");
  BOOST_TEST(seen.handled == handled);
}

BOOST_AUTO_TEST_CASE(a_conflict_is_stored_as_the_answer_too) {
  p->call("put", thing{"a"});
  const uuid id = p->fresh_id();
  BOOST_TEST(p->call(id, "put", thing{"a"}).why.code == errc::conflict);
  const int handled = seen.handled;

  const got again = p->call(id, "put", thing{"a"});

  BOOST_TEST(again.why.code == errc::conflict);
  BOOST_TEST(seen.handled == handled);
}

BOOST_AUTO_TEST_CASE(an_answer_that_is_stored_is_never_replaced) {
  const uuid id = p->fresh_id();
  const got first = p->call(id, "put", thing{"a"});

  store::transaction late{*inner};
  BOOST_TEST(!store::inbox{*inner}.settle(id, store::inbox_state::refused, "another"));
  late.commit();

  const got second = p->call(id, "put", thing{"a"});
  BOOST_TEST(second.status == wire::status::ok);
  BOOST_TEST(second.body == first.body);
}

// Its events and effects are undone in the database, and must not leave from memory either.
BOOST_AUTO_TEST_CASE(what_a_refused_command_published_or_asked_for_does_not_happen) {
  p->journal_joined();
  p->confirm(0);
  p->run();

  p->call("tell_and_refuse", thing{"a"});
  p->call("announce", thing{"b"});
  p->call("send", thing{"c"});
  p->run_until([&] { return seen.settled == 1; });

  BOOST_REQUIRE(p->relays.size() == 1U);
  BOOST_TEST(p->relays[0].topic == "thing.put");
  BOOST_TEST(p->relays[0].seq == 1U);
  BOOST_TEST(seen.effect_keys.size() == 1U);
}

BOOST_AUTO_TEST_CASE(what_an_actor_has_not_declared_is_not_published) {
  const uuid id = p->fresh_id();

  const got other_topic = p->call(id, "mumble", thing{"a"});
  const got other_type = p->call("mistype", thing{"b"});

  for (const got& each : {other_topic, other_type}) {
    BOOST_TEST(each.why.code == errc::internal);
    BOOST_TEST((each.why.possible == effect::none));
    BOOST_TEST(each.why.detail("reason") == "undeclared_topic");
    BOOST_TEST(!each.why.is_final);
  }
  BOOST_TEST(things() == 0);
  BOOST_TEST(inbox() == 0);
  BOOST_TEST(p->number("SELECT COUNT(*) FROM outbox") == 0);
  BOOST_TEST(all_of<supervision::child_exited>(p->events).empty()); // The instance stays.
}

// A fault of the program: kept as the last word, it would outlive the mended program.
BOOST_AUTO_TEST_CASE(an_effect_asked_for_twice_or_not_declared_is_no_last_word) {
  const got twice = p->call("send_twice", thing{"a"});
  const got undeclared = p->call("misdirect", thing{"b"});

  BOOST_TEST(twice.why.detail("reason") == "effect_twice");
  BOOST_TEST(twice.why.message.find("`send` twice") != std::string::npos);
  BOOST_TEST(undeclared.why.detail("reason") == "undeclared_effect");
  BOOST_TEST(undeclared.why.message.find("`send`?") != std::string::npos, undeclared.why.message);
  for (const got& each : {twice, undeclared}) {
    BOOST_TEST(each.why.code == errc::internal);
    BOOST_TEST((each.why.possible == effect::none));
    BOOST_TEST(!each.why.is_final);
  }
  BOOST_TEST(things() == 0);
  BOOST_TEST(inbox() == 0);
  BOOST_TEST(p->number("SELECT COUNT(*) FROM effects") == 0);
  BOOST_TEST(all_of<supervision::child_exited>(p->events).empty());
}

BOOST_AUTO_TEST_CASE(what_is_no_last_word_is_not_stored) {
  const uuid id = p->fresh_id();

  BOOST_TEST(p->call(id, "unready", thing{"a"}).why.code == errc::unavailable);
  BOOST_TEST(inbox() == 0);
  BOOST_TEST(things() == 0);
}

BOOST_AUTO_TEST_CASE(a_throw_fails_one_message_and_nobody_else) {
  p->send("put", wire::encoded(thing{"1"}));
  p->send("put", wire::encoded(thing{"2"}));
  const uuid bad = p->send("throw", wire::encoded(thing{"bad"}));
  const uuid later = p->send("put", wire::encoded(thing{"3"}));
  p->run();
  BOOST_TEST(p->replies.size() == 3U);
  BOOST_TEST(p->replies[bad].why.code == errc::crashed);
  BOOST_TEST(things() == 2);
  const auto ended = all_of<supervision::child_exited>(p->events);
  BOOST_REQUIRE(ended.size() == 1U);
  BOOST_TEST(*ended[0].message == bad);

  p->start(0, 2); // As the supervisor does.
  p->run();

  BOOST_TEST(p->replies[later].status == wire::status::ok);
  BOOST_TEST(things() == 3);
  BOOST_TEST(p->front->queues().calls_in_hand() == 0);
}

// A key out of a customer's own text, say: no fault of the instance.
BOOST_AUTO_TEST_CASE(an_event_that_cannot_travel_refuses_its_command_in_words) {
  const got refused = p->call("whisper", thing{std::string(300, 'x')});
  BOOST_TEST(refused.why.code == errc::invalid);
  BOOST_TEST((refused.why.possible == effect::none));
  BOOST_TEST(refused.why.message == "the key of an event has 300 bytes; 256 are allowed");
  BOOST_TEST(things() == 0); // Undone.
  BOOST_TEST(all_of<supervision::child_exited>(p->events).empty());

  if (!store::is_on_postgres()) { // Whose indexes take no text of that size.
    BOOST_TEST(p->call("send", thing{std::string(2'000'000, 'x')}).why.code == errc::invalid);
    BOOST_TEST(things() == 0);
  }
}

// A deferred rule is checked by the commit, which does not say whose it was.
BOOST_AUTO_TEST_CASE(a_message_that_makes_the_commit_fail_is_found_and_the_others_are_served) {
  std::vector<uuid> good;
  uuid bad;
  for (int i = 0; i < 20; ++i) {
    good.push_back(p->send("put", wire::encoded(thing{std::to_string(i)})));
    if (i == 12) {
      bad = p->send("mention", wire::encoded(thing{"nobody"}));
    }
  }
  p->run();
  p->start(0, 2); // As the supervisor does.
  p->run();

  for (const uuid& each : good) {
    BOOST_TEST(p->replies[each].status == wire::status::ok);
  }
  BOOST_TEST(p->replies[bad].why.code == errc::crashed);
  BOOST_TEST(things() == 20);
  BOOST_TEST(p->number("SELECT COUNT(*) FROM mentions") == 0);
  BOOST_TEST(p->call("mention", thing{"7"}).status == wire::status::ok);
}

BOOST_AUTO_TEST_CASE(a_throw_of_what_is_no_exception_fails_one_message_too) {
  const uuid bad = p->send("throw_number", wire::encoded(thing{"bad"}));
  p->run();

  BOOST_TEST(p->replies[bad].why.code == errc::crashed);
  BOOST_TEST(things() == 0);
}

BOOST_AUTO_TEST_CASE(the_order_of_what_was_behind_a_throw_is_kept) {
  std::vector<std::string> order;
  seen.on_handle = [&](const thing& each) { order.push_back(each.name); };
  p->send("throw", wire::encoded(thing{"bad"}));
  for (const char* name : {"1", "2", "3"}) {
    p->send("put", wire::encoded(thing{name}));
  }
  p->run();
  p->send("put", wire::encoded(thing{"4"}));
  p->start(0, 2);
  p->run();

  BOOST_TEST(
      order == (std::vector<std::string>{"bad", "1", "2", "3", "4"}),
      boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_effect_of_a_message_that_threw_is_never_run) {
  p->call("throw", thing{"bad"});
  p->start(0, 2);
  p->call("send", thing{"good"});
  p->run_until([&] { return seen.settled == 1; });

  BOOST_TEST(seen.effect_keys.size() == 1U);
}

BOOST_AUTO_TEST_CASE(the_effect_of_a_failed_commit_is_never_run) {
  faulty->fail(7, store::faulty_database::when::before, store::database_fault::full);
  const uuid id = p->send("send", wire::encoded(thing{"a"}));
  p->run();
  BOOST_REQUIRE(faulty->failed());
  BOOST_TEST(p->replies[id].why.code == errc::unavailable);
  BOOST_TEST(things() == 0);
  const instant failed_at = time.now();
  const auto trouble = p->front->condition().store_trouble(failed_at + 59s);
  BOOST_REQUIRE(trouble.has_value());
  BOOST_TEST((trouble->since <= failed_at));
  BOOST_TEST(!p->front->condition().store_trouble(failed_at + 61s)); // Nobody has tried since.

  p->call("send", thing{"good"});
  BOOST_TEST(p->front->condition().store_trouble(failed_at + 4s).has_value());
  BOOST_TEST(!p->front->condition().store_trouble(failed_at + 6s));
  p->run_until([&] { return seen.settled == 1; });

  BOOST_TEST(seen.effect_keys.size() == 1U);
}

// Each statement of a turn fails once, before it ran and after. A call that was answered "ok" is
// written, and its repeat leaves it written exactly once.
BOOST_AUTO_TEST_CASE(a_turn_that_fails_anywhere_says_so_and_the_repeat_finishes_it_once) {
  int round = 0;
  for (const auto moment :
       {store::faulty_database::when::before, store::faulty_database::when::after}) {
    for (int nth = 1; nth <= 6; ++nth) {
      const std::string name = "round " + std::to_string(++round);
      const uuid id = p->fresh_id();
      faulty->fail(nth, moment, store::database_fault::io);
      const got first = p->call(id, "put", thing{name});
      BOOST_TEST(faulty->failed());
      BOOST_TEST(first.status == wire::status::error);

      const got second = p->call(id, "put", thing{name});

      BOOST_TEST(second.status == wire::status::ok);
      BOOST_TEST(things() == round);
      BOOST_TEST(inbox() == round);
    }
  }
}

BOOST_AUTO_TEST_CASE(an_instance_whose_turn_was_not_committed_is_made_anew) {
  p->call("put", thing{"a"});
  BOOST_TEST(value_of(p->call("remembered", thing{})) == 1);
  faulty->fail(6, store::faulty_database::when::before, store::database_fault::full);

  p->call("put", thing{"b"});

  BOOST_TEST(faulty->failed());
  BOOST_TEST(value_of(p->call("remembered", thing{})) == 0);
  // The rebuilt replica did not fail itself, so its supervisor hears nothing.
  BOOST_TEST(all_of<supervision::child_exited>(p->events).empty());
}

// What the instance remembers of the undone turn would have the message refused, for good, though
// nothing was done.
BOOST_AUTO_TEST_CASE(no_handler_meets_what_its_instance_remembers_of_a_turn_that_is_run_again) {
  std::uint64_t generation = 1;
  for (const std::string_view neighbour : {"refuse", "throw", "mention"}) {
    const std::string name{neighbour};
    const uuid once = p->send("once", wire::encoded(thing{name}));
    const uuid beside = p->send(neighbour, wire::encoded(thing{"beside " + name}));
    p->run();

    BOOST_TEST(
        p->replies[once].status == wire::status::ok, name << ": " << p->replies[once].why.message);
    BOOST_TEST(p->replies[beside].status == wire::status::error);
    if (neighbour != "refuse") {
      p->start(0, ++generation);
    }
  }

  BOOST_TEST(things() == 3);
}

BOOST_AUTO_TEST_CASE(a_turn_whose_instances_cannot_be_made_anew_waits_or_is_run_by_others) {
  const uuid once = p->send("once", wire::encoded(thing{"a"}));
  const uuid refused = p->send("refuse", wire::encoded(thing{"b"}));
  seen.make_fails = 1;
  p->run();
  BOOST_TEST(p->replies.empty());
  BOOST_TEST(all_of<supervision::child_exited>(p->events).size() == 1U);
  p->start(0, 2);
  p->run();
  BOOST_TEST(p->replies[once].status == wire::status::ok);
  BOOST_TEST(p->replies[refused].why.code == errc::rejected);
  BOOST_TEST(p->front->queues().calls_in_hand() == 0);

  begin(2);
  const uuid first = p->send("once", wire::encoded(thing{"c"}));
  const uuid second = p->send("refuse", wire::encoded(thing{"d"}));
  seen.make_fails = 1;
  p->run();

  BOOST_TEST(p->replies[first].status == wire::status::ok);
  BOOST_TEST(p->replies[second].why.code == errc::rejected);
  BOOST_TEST(all_of<supervision::child_exited>(p->events).size() == 1U);
  BOOST_TEST(things() == 2);
}

BOOST_AUTO_TEST_CASE(a_statement_that_cannot_work_fails_its_message_alone) {
  const uuid good = p->send("put", wire::encoded(thing{"1"}));
  const uuid bad = p->send("misspell", wire::encoded(thing{"x"}));
  p->run();

  BOOST_TEST(p->replies[good].status == wire::status::ok);
  BOOST_TEST(p->replies[bad].why.code == errc::crashed);
}

BOOST_AUTO_TEST_CASE(a_broken_constraint_is_a_conflict_and_no_crash) {
  p->call("put", thing{"a"});

  const got twice = p->call("put", thing{"a"});

  BOOST_TEST(twice.why.code == errc::conflict);
  BOOST_TEST(twice.why.detail("reason") != "id_reused"); // The id is new, the thing is not.
  BOOST_TEST(all_of<supervision::child_exited>(p->events).empty());
}

// A database may find out at the commit, or for rows of many messages together.
BOOST_AUTO_TEST_CASE(a_broken_constraint_is_that_of_the_message_that_broke_it) {
  p->call("put", thing{"taken"});
  std::vector<uuid> good;
  std::vector<uuid> bad;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 5; ++i) {
      good.push_back(p->send("put_blindly", wire::encoded(thing{fmt::format("{} {}", round, i)})));
    }
    bad.push_back(p->send("put_blindly", wire::encoded(thing{"taken"})));
  }
  p->run();

  for (const uuid& each : good) {
    BOOST_TEST(p->replies[each].status == wire::status::ok);
  }
  for (const uuid& each : bad) {
    BOOST_TEST(p->replies[each].why.code == errc::conflict);
  }
  BOOST_TEST(things() == 16);
}

// What the runtime itself does in a turn, or its commit, is no message's fault.
BOOST_AUTO_TEST_CASE(a_commit_that_took_too_long_is_nobodys_fault) {
  p->call("put", thing{"first"});
  const int before = faulty->calls();
  p->call("put", thing{"a"});
  faulty->fail(
      faulty->calls() - before,
      store::faulty_database::when::before,
      store::database_fault::too_long);
  const uuid id = p->send("put", wire::encoded(thing{"b"}));
  p->run();

  BOOST_TEST(faulty->failed());
  BOOST_TEST(p->replies[id].why.code == errc::unavailable);
  BOOST_TEST((p->replies[id].why.possible == effect::none));
  BOOST_TEST(all_of<supervision::child_exited>(p->events).empty());
  BOOST_TEST(p->call(id, "put", thing{"b"}).status == wire::status::ok);
}

BOOST_AUTO_TEST_CASE(a_turn_ends_after_five_milliseconds_and_the_rest_follows) {
  seen.on_handle = [&](const thing&) { time.advance(2ms); };
  for (int i = 0; i < 8; ++i) {
    p->send("put", wire::encoded(thing{std::to_string(i)}));
  }
  p->run();

  BOOST_TEST(things() == 8);
  BOOST_TEST(p->front->counters().turns == 3U);
}

// The messages before a throw are slower when they are run again: none of them may be left out and
// still be answered "ok".
BOOST_AUTO_TEST_CASE(predecessors_that_are_slower_the_second_time_are_all_committed) {
  bool thrown = false;
  seen.on_handle = [&](const thing& each) {
    time.advance(thrown ? 20ms : 0ms);
    thrown = thrown || each.name == "bad";
  };
  for (const char* name : {"1", "2", "3"}) {
    p->send("put", wire::encoded(thing{name}));
  }
  p->send("throw", wire::encoded(thing{"bad"}));
  p->run();

  std::int64_t told = 0;
  for (const auto& [id, reply] : p->replies) {
    told += reply.status == wire::status::ok ? 1 : 0;
  }
  BOOST_TEST(told == 3);
  BOOST_TEST(things() == told);
}

BOOST_AUTO_TEST_CASE(work_whose_time_is_up_is_not_begun) {
  seen.on_handle = [&](const thing&) { time.advance(100ms); };
  p->send("put", wire::encoded(thing{"slow"}));
  const uuid late = p->send("put", wire::encoded(thing{"late"}), 50ms);
  p->run();

  BOOST_TEST(p->replies[late].why.code == errc::deadline_exceeded);
  BOOST_TEST(things() == 1);
}

BOOST_AUTO_TEST_CASE(a_query_whose_time_is_up_is_not_begun) {
  const uuid late = p->send("look", wire::encoded(thing{}), 0ms);
  p->run();

  BOOST_TEST(p->replies[late].why.code == errc::deadline_exceeded);
  BOOST_TEST(seen.handled == 0);
}

// A turn that is run again, or waited for the lock, begins after its messages were admitted.
BOOST_AUTO_TEST_CASE(work_whose_time_is_up_when_its_turn_begins_is_not_begun) {
  bool is_slow = true;
  seen.on_handle = [&](const thing&) { time.advance(std::exchange(is_slow, false) ? 100ms : 0ms); };
  p->send("refuse", wire::encoded(thing{"run again with a savepoint"}));
  const uuid late = p->send("put", wire::encoded(thing{"late"}), 50ms);
  p->run();

  BOOST_TEST(p->replies[late].why.code == errc::deadline_exceeded);
  BOOST_TEST(things() == 0);
  BOOST_TEST(inbox() == 1); // The inbox has the refusal's row alone.
}

// A WAL that grew while somebody read takes as long as the disk needs, in every process again.
BOOST_AUTO_TEST_CASE(the_watchdog_does_not_count_while_the_wal_is_copied_back) {
  std::vector<bool> is_busy;
  seen.on_handle = [&](const thing&) {
    is_busy.push_back(p->runner->busy().busy_since().has_value());
  };
  faulty->on_checkpoint([&] { is_busy.push_back(p->runner->busy().busy_since().has_value()); });

  p->call("put", thing{"a"});

  BOOST_REQUIRE(is_busy.size() == 2U);
  BOOST_TEST(is_busy[0]);
  BOOST_TEST(!is_busy[1]);
}

BOOST_AUTO_TEST_CASE(a_query_never_shows_what_is_not_committed_and_leaves_no_inbox_row) {
  p->send("put", wire::encoded(thing{"a"}));
  const uuid id = p->send("count", wire::encoded(thing{}));
  p->run();

  // The query ran beside the turn, before its commit, and saw a committed state.
  BOOST_TEST(value_of(p->replies[id]) == 0);
  BOOST_TEST(value_of(p->call("count", thing{})) == 1);
  BOOST_TEST(inbox() == 1);
}

BOOST_AUTO_TEST_CASE(a_query_that_writes_is_found_out) {
  BOOST_TEST(p->call("write_reading", thing{"a"}).why.code == errc::crashed);
}

BOOST_AUTO_TEST_CASE(a_query_that_throws_fails_alone_and_the_replicas_go_on) {
  begin(2);

  BOOST_TEST(p->call("throw_reading", thing{}).why.code == errc::crashed);
  BOOST_TEST(value_of(p->call("count", thing{})) == 0);
}

BOOST_AUTO_TEST_CASE(slow_queries_in_a_row_are_each_timed_from_their_own_start) {
  instant::duration longest{};
  seen.on_handle = [&](const thing&) {
    time.advance(4ms);
    longest = std::max(longest, time.now() - p->runner->busy().busy_since().value());
  };
  for (int i = 0; i < 20; ++i) {
    p->send("look", wire::encoded(thing{}));
  }
  p->run();

  BOOST_TEST((longest == 4ms));
  BOOST_TEST(!p->runner->busy().busy_since());
}

BOOST_AUTO_TEST_CASE(an_answer_too_large_to_leave_undoes_what_was_done_for_it) {
  const uuid id = p->fresh_id();
  p->limit_bodies(0);
  const got refused = p->call(id, "put", thing{"a"});
  const std::int64_t left = things() + inbox();
  p->limit_bodies(wire::body_bytes_max);
  const got again = p->call(id, "put", thing{"a"});

  BOOST_TEST((refused.why.code == errc::internal));
  BOOST_TEST((refused.why.possible == effect::none));
  BOOST_TEST(refused.why.message.find("limits") != std::string::npos);
  BOOST_TEST(left == 0);
  BOOST_TEST(value_of(again) == 1);
}

BOOST_AUTO_TEST_CASE(an_answer_put_off_without_an_effect_is_the_handlers_fault) {
  BOOST_TEST(p->call("forget_answer", thing{}).why.code == errc::crashed);
  BOOST_TEST(inbox() == 0);

  auto options = things_options(folder);
  options.database.reset();
  process storeless{time, "n2", things_type(seen), options};
  storeless.start();
  const got told = storeless.call("forget_answer", thing{});
  BOOST_TEST(told.why.code == errc::crashed);
  BOOST_TEST((told.why.possible == effect::unknown));
}

BOOST_AUTO_TEST_CASE(an_unknown_operation_is_named) {
  BOOST_TEST(p->call("putt", thing{}).why.code == errc::unknown_operation);
}

BOOST_AUTO_TEST_CASE(events_get_numbers_without_gaps_whatever_is_rolled_back_between) {
  p->call("announce", thing{"a"});
  p->call("throw", thing{"x"});
  p->start(0, 2);
  p->call("announce", thing{"b"});

  BOOST_TEST(p->number("SELECT COUNT(*) FROM outbox") == 2);
  BOOST_TEST(p->number("SELECT MAX(seq) FROM outbox") == 2);
}

BOOST_AUTO_TEST_CASE(the_numbers_of_events_go_on_when_all_that_left_was_forgotten) {
  p->call("announce", thing{"a"});
  p->call("announce", thing{"b"});

  {
    store::transaction confirmed{*inner};
    store::outbox{*inner}.forget(0, 2);
    confirmed.commit();
  }
  BOOST_TEST(p->number("SELECT COUNT(*) FROM outbox") == 1);
  p->call("announce", thing{"c"});

  BOOST_TEST(p->number("SELECT MAX(seq) FROM outbox") == 3);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
