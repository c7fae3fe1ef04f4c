#include "runtime/store/turn/unsettled.hpp"
#include "tests/worker/turn_fixture.hpp"

#include <algorithm>

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

using lost = store::faulty_database::lost_commit;

struct unknown_fixture : turn_fixture {
  /// Lets the alarms of the group ring until the database is back.
  void look_until_back() {
    for (int looks = 0; faulty->is_lost() && looks < 20; ++looks) {
      time.advance(100ms);
      p->come_back();
      p->run();
    }
    BOOST_REQUIRE(!faulty->is_lost());
  }

  /// Changes what is in the database while no process has it, as if it had never been otherwise.
  void go_back(std::string_view sql) const {
    inner->begin();
    inner->script(sql);
    inner->commit();
  }

  std::uint32_t credit() { return p->front->served(time.now()).credit; }

  std::int64_t own_writers() { return p->number("SELECT COUNT(*) FROM writers WHERE fenced = 0"); }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_worker_unknown_commit, unknown_fixture, *utf::label("integration") * utf::timeout(120))

// Whichever became of the commit: each command is done once, and its caller is told what became of
// it.
BOOST_AUTO_TEST_CASE(a_command_is_done_once_whatever_became_of_its_commit) {
  for (const lost how : {lost::unknown_committed, lost::unknown_undone}) {
    const std::int64_t before = things();
    faulty->lose(how, 2);
    const std::string name = how == lost::unknown_committed ? "kept" : "undone";
    const uuid first = p->send("put", wire::encoded(thing{name + "1"}));
    const uuid second = p->send("put", wire::encoded(thing{name + "2"}));
    p->run();

    BOOST_TEST(p->replies.count(first) == 0U); // It is not told what nobody knows.
    BOOST_TEST(credit() == 0U);
    look_until_back();

    BOOST_TEST((p->replies[first].status == wire::status::ok));
    BOOST_TEST((p->replies[second].status == wire::status::ok));
    BOOST_TEST(things() == before + 2);
    BOOST_TEST(inbox() == before + 2);
    BOOST_TEST(credit() != 0U);
    BOOST_TEST(own_writers() == 1);
    BOOST_TEST(p->front->breaker_report().state == "closed");
    BOOST_TEST(p->front->queues().calls_in_hand() == 0);
  }
}

BOOST_AUTO_TEST_CASE(an_effect_of_a_turn_that_nobody_knows_of_is_run) {
  for (const lost how : {lost::unknown_committed, lost::unknown_undone}) {
    const std::int64_t before = things();
    faulty->lose(how);
    const uuid call =
        p->send("send", wire::encoded(thing{how == lost::unknown_committed ? "kept" : "undone"}));
    p->run();
    look_until_back();
    keep_house();
    p->run_until([&] { return p->number("SELECT COUNT(*) FROM effects") == 0; });
    keep_house();

    BOOST_TEST((p->replies[call].status == wire::status::ok));
    BOOST_TEST(things() == before + 2); // Put, and settled.
  }
}

// The backend of the lost session may keep the writers' lock, for as long as its commit waits for a
// standby: a connection alone is no way back.
BOOST_AUTO_TEST_CASE(nothing_goes_on_before_the_barrier_is_passed) {
  faulty->lose(lost::unknown_committed, 1);
  const uuid call = p->send("send", wire::encoded(thing{"kept"}));
  p->run();
  for (int tries = 0; tries < 3; ++tries) {
    faulty->fail(1, store::faulty_database::when::before, store::database_fault::busy);
    time.advance(100ms);
    p->come_back();
    p->run();

    BOOST_TEST(!faulty->is_lost());
    BOOST_TEST(faulty->failed());
    BOOST_TEST(credit() == 0U);
    BOOST_TEST(p->replies.count(call) == 0U);
  }
  time.advance(100ms);
  p->come_back();
  p->run();
  keep_house();
  p->run_until([&] { return p->number("SELECT COUNT(*) FROM effects") == 0; });
  keep_house();

  BOOST_TEST(credit() != 0U);
  BOOST_TEST((p->replies[call].status == wire::status::ok));
  BOOST_TEST(things() == 2); // Put, and settled.
  BOOST_TEST(own_writers() == 1);
}

BOOST_AUTO_TEST_CASE(the_result_of_an_effect_is_settled_once) {
  for (const lost how : {lost::unknown_committed, lost::unknown_undone}) {
    const std::int64_t settled = seen.settled;
    const std::int64_t before = things();
    const uuid key = keep_effect();
    faulty->lose(how);
    p->send(result_of(key, {false, wire::encoded(count{1})}));
    p->run();
    look_until_back();
    keep_house();
    p->run_until([&] { return p->number("SELECT COUNT(*) FROM effects") == 0; });

    BOOST_TEST(things() == before + 1);
    BOOST_TEST(seen.settled - settled == (how == lost::unknown_committed ? 1 : 2));
  }
}

BOOST_AUTO_TEST_CASE(an_event_is_handled_once_whatever_became_of_its_commit) {
  seen.writes_events = true;
  p->journal_joined();
  p->assign_all(1);
  p->run();
  std::uint64_t position = 0;
  for (const lost how : {lost::unknown_committed, lost::unknown_undone}) {
    const std::int64_t before = things();
    faulty->lose(how);
    for (int i = 0; i < 3; ++i) {
      ++position;
      p->deliver(position, "key", thing{"event " + std::to_string(position)});
    }
    p->run();
    look_until_back();
    BOOST_TEST(things() == before + (how == lost::unknown_committed ? 3 : 0));
    BOOST_TEST(p->void_logins.back() == p->login);
    p->log_in_again();
    p->assign_all(p->login);
    p->run();
    for (std::uint64_t again = position - 2; again <= position; ++again) {
      p->deliver(again, "key", thing{"event " + std::to_string(again)});
    }
    p->run();

    BOOST_TEST(things() == before + 3);
    BOOST_TEST(p->front->queues().events_in_hand() == 0);
    BOOST_TEST(
        p->number("SELECT MAX(handled) FROM partitions") == static_cast<std::int64_t>(position));
    BOOST_TEST(p->number("SELECT COUNT(*) FROM postponed") == 0);
  }
}

BOOST_AUTO_TEST_CASE(a_way_back_that_nobody_answered_leaves_no_writer_behind) {
  faulty->lose(lost::unknown_committed, 1);
  const uuid call = p->send("put", wire::encoded(thing{"kept"}));
  p->run();
  faulty->lose(lost::unknown_committed); // The next commit is that of the way back.
  look_until_back();

  BOOST_TEST((p->replies[call].status == wire::status::ok));
  BOOST_TEST(p->number("SELECT COUNT(*) FROM writers") == 3);
  BOOST_TEST(own_writers() == 1);
}

// What the undone turn remembered of the event would count its failure twice.
BOOST_AUTO_TEST_CASE(a_failure_of_an_event_that_was_undone_is_not_counted) {
  seen.on_event = [](const thing&, turn&, const event_info&) -> outcome<void> {
    return failure{error{.code = errc::unavailable, .message = "not now"}};
  };
  p->assign_all(1);
  p->run();
  faulty->lose(lost::unknown_undone);
  p->deliver(1, "key", thing{"a"});
  p->run();
  look_until_back();
  p->assign_all(2);
  p->run();
  p->deliver(1, "key", thing{"a"});
  p->run();

  BOOST_TEST(p->number("SELECT attempts FROM postponed WHERE position = 1") == 1);
}

BOOST_AUTO_TEST_CASE(an_event_that_was_published_unknown_leaves_once_the_database_is_back) {
  p->journal_joined();
  p->run();
  p->confirm(0);
  p->run();
  faulty->lose(lost::unknown_committed);
  p->send("announce", wire::encoded(thing{"a"}));
  p->run();
  BOOST_TEST(p->relays.empty());
  look_until_back();
  p->log_in_again();
  p->confirm(0);
  p->run();
  BOOST_REQUIRE(!p->announced.empty());
  BOOST_TEST(p->announced.back().newest == 1U); // The broker asks for what it misses.
  p->resend(1, 1);
  p->run();

  BOOST_REQUIRE(p->relays.size() >= 1U);
  BOOST_TEST(p->relays.back().seq == 1U);
  BOOST_TEST(p->number("SELECT COUNT(*) FROM outbox") == 1);
}

// A standby was promoted that lacks the last commits: what is offered next does not say what is
// missing, so it must wait until the broker has heard how far the database is.
BOOST_AUTO_TEST_CASE(no_event_is_run_in_a_database_that_is_older_before_it_is_assigned_anew) {
  seen.writes_events = true;
  p->journal_joined();
  p->assign_all(1);
  p->run();
  for (std::uint64_t position = 1; position <= 4; ++position) {
    p->deliver(position, "key", thing{std::to_string(position)});
  }
  p->run();
  BOOST_REQUIRE(things() == 4);
  faulty->lose(lost::unknown_undone);
  p->send("put", wire::encoded(thing{"a"}));
  p->deliver(5, "key", thing{"5"}); // In hand, while the database is away.
  p->run();
  go_back("UPDATE partitions SET handled = 2 WHERE handled > 2");
  go_back("DELETE FROM things WHERE name IN ('3', '4')");
  look_until_back();
  p->deliver(6, "key", thing{"6"});
  p->run();

  BOOST_TEST(things() == 3); // With `a`.
  BOOST_TEST(p->number("SELECT MAX(handled) FROM partitions") == 2);
  BOOST_TEST((p->void_logins == std::vector<std::uint32_t>{1}));
  p->log_in_again();
  p->assigned.clear();
  p->assign_all(2);
  p->run();
  BOOST_REQUIRE(p->assigned.size() == 1U);
  BOOST_TEST(p->assigned[0].highest.value_or(0) == 2U);
  for (std::uint64_t position = 3; position <= 6; ++position) {
    p->deliver(position, "key", thing{std::to_string(position)});
  }
  p->run();

  BOOST_TEST(things() == 7);
  BOOST_TEST(p->front->queues().events_in_hand() == 0);
}

// The commit that is gone may be the one in which an event that had waited was handled.
BOOST_AUTO_TEST_CASE(what_waits_in_a_database_that_is_older_is_told_anew) {
  bool fails = true;
  seen.on_event = [&](const thing&, turn&, const event_info&) -> outcome<void> {
    if (fails) {
      return failure{error{.code = errc::unavailable, .message = "not now"}};
    }
    return {};
  };
  p->journal_joined();
  p->assign_all(1);
  p->run();
  p->deliver(1, "key", thing{"a"});
  p->run();
  BOOST_REQUIRE(p->number("SELECT COUNT(*) FROM postponed") == 1);
  go_back("CREATE TABLE kept AS SELECT * FROM postponed");
  fails = false;
  p->deliver(1, "key", thing{"a"});
  p->run();
  BOOST_REQUIRE(p->number("SELECT COUNT(*) FROM postponed") == 0);
  faulty->lose(lost::unknown_undone);
  p->send("put", wire::encoded(thing{"a"}));
  p->run();
  go_back("INSERT INTO postponed SELECT * FROM kept");
  look_until_back();
  p->log_in_again();
  p->assigned.clear();
  p->assign_all(2);
  p->run();

  BOOST_REQUIRE(p->assigned.size() == 1U);
  std::size_t waiting = 0;
  for (const wire::partition_state& each : p->assigned[0].partitions) {
    waiting += each.waiting.size();
  }
  BOOST_TEST(waiting == 1U);
}

BOOST_AUTO_TEST_CASE(
    an_outbox_that_is_older_is_compared_anew_before_anything_leaves_or_is_deleted) {
  p->journal_joined();
  p->confirm(0);
  for (int i = 0; i < 3; ++i) {
    p->send("announce", wire::encoded(thing{"a"}));
  }
  p->run();
  p->confirm(3);
  p->run();
  BOOST_REQUIRE(p->relays.size() == 3U);
  faulty->lose(lost::unknown_undone);
  p->send("put", wire::encoded(thing{"a"}));
  p->run();
  p->confirm(3); // In hand, while the database is away.
  go_back("DELETE FROM outbox WHERE seq > 1");
  look_until_back();
  p->confirm(3);
  p->send("announce", wire::encoded(thing{"other"}));
  p->run();
  keep_house();
  keep_house();

  BOOST_TEST(p->relays.size() == 3U);
  BOOST_TEST(p->number("SELECT COUNT(*) FROM outbox") == 2);
  BOOST_TEST((p->void_logins == std::vector<std::uint32_t>{1}));
  p->log_in_again();
  p->confirm(3);
  p->resend(1, 2);
  p->run();
  keep_house();

  BOOST_TEST(p->announced.back().newest == 2U);
  BOOST_TEST(
      p->front->condition().outbox_trouble().find("the journal has 3 events") != std::string::npos);
  BOOST_TEST(p->relays.size() == 3U);
  BOOST_TEST(p->number("SELECT COUNT(*) FROM outbox") == 2);
}

// The journal took more of it than it had written down when the login began.
BOOST_AUTO_TEST_CASE(an_outbox_that_ends_below_what_is_confirmed_is_refused_in_the_next_turn) {
  p->journal_joined();
  p->confirm(0);
  p->send("announce", wire::encoded(thing{"a"}));
  p->run();
  p->confirm(5);
  p->run();
  keep_house();

  BOOST_TEST(
      p->front->condition().outbox_trouble().find("the journal has 5 events") != std::string::npos);
  p->send("announce", wire::encoded(thing{"b"}));
  p->run();
  BOOST_TEST(p->relays.size() == 1U);
}

// Each of two writers of a login that is over would renew the one that has just begun.
BOOST_AUTO_TEST_CASE(a_login_that_came_while_the_database_was_away_is_the_one_that_counts) {
  p->journal_joined();
  p->confirm(0);
  p->assign_all(1);
  p->run();
  faulty->lose(lost::unknown_undone, 2);
  p->send("put", wire::encoded(thing{"a"}));
  p->run();
  p->log_in_again();
  p->assign_all(2);
  p->announced.clear();
  p->assigned.clear();
  look_until_back();
  seen.writes_events = true;
  p->deliver(1, "key", thing{"1"});
  p->run();

  BOOST_TEST((p->void_logins == std::vector<std::uint32_t>{1}));
  BOOST_TEST(!p->announced.empty());
  BOOST_TEST(p->assigned.size() == 1U);
  BOOST_TEST(things() == 2);
}

// A saga that was told that nothing happened would not undo what did.
BOOST_AUTO_TEST_CASE(whoever_cannot_wait_is_not_told_that_nothing_happened) {
  for (const bool is_back_in_time : {false, true}) {
    const std::string name = is_back_in_time ? "back" : "away";
    const std::int64_t before = things();
    faulty->lose(lost::unknown_committed, is_back_in_time ? 1 : 1'000);
    const uuid call = p->send("put", wire::encoded(thing{name}), 150ms);
    p->run();
    const uuid later = p->send("put", wire::encoded(thing{name + " later"}), 150ms);
    time.advance(200ms);
    p->come_back();
    p->run();

    if (is_back_in_time) {
      BOOST_TEST((p->replies[call].status == wire::status::ok));
    } else {
      BOOST_TEST(p->replies[call].why.code == errc::deadline_exceeded);
      BOOST_TEST((p->replies[call].why.possible == effect::unknown));
    }
    BOOST_TEST(p->replies[later].why.code == errc::deadline_exceeded);
    BOOST_TEST((p->replies[later].why.possible == effect::none));
    faulty->find_server();
    look_until_back();
    BOOST_TEST(things() == before + 1);
  }
}

BOOST_AUTO_TEST_CASE(while_the_database_is_away_calls_wait_until_their_time_is_up) {
  faulty->lose(lost::unknown_undone, 1'000);
  const uuid late = p->send("put", wire::encoded(thing{"late"}), 150ms);
  const uuid patient = p->send("put", wire::encoded(thing{"patient"}), 10s);
  p->run();
  const uuid asked = p->send("count", wire::encoded(thing{}), 150ms);
  for (int i = 0; i < 3; ++i) {
    time.advance(100ms);
    p->come_back();
    p->run();
  }

  BOOST_TEST(p->replies[late].why.code == errc::deadline_exceeded);
  BOOST_TEST(p->replies[asked].why.code == errc::deadline_exceeded);
  BOOST_TEST(p->replies.count(patient) == 0U);
  BOOST_TEST(p->front->breaker_report().state == "closed");
  const auto trouble = p->front->condition().store_trouble(time.now());
  BOOST_REQUIRE(trouble.has_value());
  BOOST_TEST(trouble->reason.find("the database is away") == 0U);

  faulty->find_server();
  look_until_back();
  BOOST_TEST((p->replies[patient].status == wire::status::ok));
  BOOST_TEST(things() == 1);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
