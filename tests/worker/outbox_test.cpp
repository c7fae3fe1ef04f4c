#include "runtime/wire/timer_calls.hpp"
#include "tests/worker/process_fixture.hpp"

#include <fmt/format.h>

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

struct outbox_fixture {
  temporary_folder folder;
  manual_clock time;
  probe seen;
  std::unique_ptr<process> p = make("n1");

  std::unique_ptr<process> make(const std::string& node) {
    time.advance(1ms); // Incarnations sort by their birth.
    auto made = std::make_unique<process>(time, node, things_type(seen), things_options(folder));
    made->start();
    return made;
  }

  void join(std::uint64_t has = 0) const {
    p->journal_joined();
    p->confirm(has);
    p->run();
  }

  void announce(int count) const {
    for (int i = 0; i < count; ++i) {
      p->send("announce", wire::encoded(thing{std::to_string(i)}));
    }
    p->run();
  }

  std::int64_t rows() const { return p->number("SELECT COUNT(*) FROM outbox"); }

  static std::vector<std::uint64_t> numbers(const process& by) {
    std::vector<std::uint64_t> found;
    for (const relayed& each : by.relays) {
      found.push_back(each.seq);
    }
    return found;
  }

  /// How far off the alarm is that has been set.
  milliseconds alarm(process& of) const {
    milliseconds soonest{-1};
    for (const auto& [delay, each] : of.later) {
      if (each.what == item::kind::timers_due) {
        soonest = delay;
      }
    }
    return soonest;
  }
};

using numbers_t = std::vector<std::uint64_t>;

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_worker_relay_desk, outbox_fixture, *utf::label("integration") * utf::timeout(120))

BOOST_AUTO_TEST_CASE(the_outbox_is_announced_at_a_login_even_if_it_is_empty) {
  join();

  BOOST_REQUIRE(p->announced.size() == 1U);
  BOOST_TEST(p->announced[0].capability == "things");
  BOOST_TEST(p->announced[0].instance == p->store->database->instance());
  BOOST_TEST(p->announced[0].newest == 0U);
}

BOOST_AUTO_TEST_CASE(what_a_turn_published_leaves_after_its_commit) {
  join();
  announce(2);

  BOOST_REQUIRE(p->relays.size() == 2U);
  BOOST_TEST(p->relays[0].seq == 1U);
  BOOST_TEST(p->relays[1].seq == 2U);
  BOOST_TEST(p->relays[1].topic == "thing.put");
  BOOST_TEST(p->relays[1].key == "1");
  BOOST_TEST(wire::checked_decode<thing>(p->relays[1].body).value().name == "1");
  BOOST_TEST(p->front->counters().relayed == 2U);
  BOOST_TEST(p->front->counters().outbox_newest == 2U);
}

BOOST_AUTO_TEST_CASE(nothing_leaves_while_no_broker_keeps_a_journal_and_all_of_it_once_one_asks) {
  announce(3);
  BOOST_TEST(p->relays.empty());
  BOOST_TEST(rows() == 3);

  join();
  BOOST_TEST(p->announced[0].newest == 3U);
  p->resend(1, 3);
  p->run();

  BOOST_TEST(numbers(*p) == (numbers_t{1, 2, 3}));
  BOOST_TEST((p->relays[2].id == p->announced[0].newest_id));
}

BOOST_AUTO_TEST_CASE(beyond_the_window_events_wait_in_the_table) {
  join();
  announce(4'200);
  BOOST_TEST(p->relays.size() == 4'096U);

  p->confirm(100);
  p->run();
  BOOST_TEST(p->relays.size() == 4'196U);
  p->confirm(4'100);
  p->run();

  BOOST_TEST(p->relays.size() == 4'200U);
  BOOST_TEST(p->relays.back().seq == 4'200U);
}

BOOST_AUTO_TEST_CASE(confirmed_events_are_forgotten_except_the_newest) {
  join();
  announce(5);
  p->confirm(5);
  p->run();
  BOOST_TEST(rows() == 5); // Not in a turn of its own.

  p->keep_house({p->incarnation});
  p->run();
  BOOST_TEST(rows() == 1);
  announce(1);

  BOOST_TEST(p->relays.back().seq == 6U);
}

BOOST_AUTO_TEST_CASE(many_confirmed_events_are_forgotten_along_the_way) {
  join();
  announce(3'000);
  p->confirm(3'000);
  p->run();

  announce(1);

  BOOST_TEST(rows() == 1);
}

BOOST_AUTO_TEST_CASE(a_refused_outbox_says_so_and_stays_where_it_is) {
  join();
  p->confirm(0, "was the database restored from a backup?");
  p->run();
  announce(1);

  BOOST_TEST(p->relays.empty());
  BOOST_TEST(rows() == 1);
  BOOST_TEST(p->front->condition().outbox_trouble() == "was the database restored from a backup?");
  p->journal_joined();
  p->run();
  BOOST_TEST(p->front->condition().outbox_trouble().empty());
}

// The journal has another event under a number that the outbox, an older copy, has given again.
BOOST_AUTO_TEST_CASE(an_outbox_that_outgrew_the_journals_number_is_still_found_to_be_another) {
  announce(5);
  p->journal_joined();
  p->confirm(3, {}, uuid{{std::byte{1}}});
  p->run();

  BOOST_TEST(
      p->front->condition().outbox_trouble().find("restored from a backup") != std::string::npos);
  BOOST_REQUIRE(p->announced.size() == 2U);
  BOOST_TEST(
      p->announced[1].trouble.value_or("").find("other events under these numbers")
      != std::string::npos);
  p->resend(4, 5);
  announce(1);
  p->keep_house({p->incarnation});
  p->run();
  BOOST_TEST(p->relays.empty());
  BOOST_TEST(rows() == 6);
}

// Its process may have been the one that heard of it, or an earlier one.
BOOST_AUTO_TEST_CASE(
    a_journal_that_has_less_than_it_confirmed_gets_nothing_and_nothing_is_deleted) {
  join();
  announce(5);
  p->confirm(3);
  p->keep_house({p->incarnation});
  p->run();
  BOOST_TEST(rows() == 2);
  p->confirm(4);
  p->run();

  for (int life = 0; life < 2; ++life) {
    p->journal_joined();
    p->confirm(2);
    p->keep_house({p->incarnation});
    p->run();
    BOOST_TEST(rows() == 2);
    BOOST_TEST(
        p->front->condition().outbox_trouble().find("the journal has 2 events")
        != std::string::npos);
    p->relays.clear();
    p->confirm(2);   // The broker has heard another process that has not compared yet,
    p->resend(3, 5); // and asks for what it misses.
    p->run();
    BOOST_TEST(p->relays.empty());
    p->confirm(2);
    p->run();
    BOOST_TEST(p->relays.empty());
    p.reset();
    p = make("n1");
  }
  p->journal_joined();
  p->confirm(5);
  p->keep_house({p->incarnation});
  p->run();
  BOOST_TEST(p->front->condition().outbox_trouble().empty());
  BOOST_TEST(rows() == 1);
}

BOOST_AUTO_TEST_CASE(an_outbox_that_is_taken_again_is_announced_and_leaves) {
  join();
  p->confirm(0, "there are too many topics");
  p->run();
  announce(1);
  p->announced.clear();

  p->confirm(0);
  p->run();
  BOOST_REQUIRE(p->announced.size() == 1U);
  BOOST_TEST(p->announced[0].newest == 1U);
  BOOST_TEST(p->front->condition().outbox_trouble().empty());
  p->confirm(0); // The answer to what was announced.
  p->resend(1, 1);
  p->run();

  BOOST_TEST(p->relays.size() == 1U);
}

BOOST_AUTO_TEST_CASE(confirmations_that_do_not_come_are_asked_for) {
  join();
  announce(1);
  p->announced.clear();

  time.advance(2s);
  p->keep_house({p->incarnation});
  p->run();

  BOOST_TEST(p->announced.size() == 1U);
}

// Its process is cut off from the journal's broker and lives on, so that nobody takes over from it.
BOOST_AUTO_TEST_CASE(what_another_process_cannot_relay_is_announced) {
  auto cut_off = std::move(p);
  p = make("n2");
  join();
  cut_off->call("announce", thing{"a"});
  BOOST_TEST(cut_off->relays.empty());
  p->announced.clear();

  p->keep_house({p->incarnation, cut_off->incarnation});
  p->run();
  time.advance(900ms);
  p->keep_house({p->incarnation, cut_off->incarnation});
  p->run();
  BOOST_TEST(p->announced.empty()); // It may be on its way.
  time.advance(200ms);
  p->keep_house({p->incarnation, cut_off->incarnation});
  p->run();

  BOOST_REQUIRE(p->announced.size() == 1U);
  BOOST_TEST(p->announced[0].newest == 1U);
  p->confirm(0);
  p->resend(1, 1);
  p->run();
  BOOST_TEST(numbers(*p) == (numbers_t{1}));
}

BOOST_AUTO_TEST_CASE(what_another_process_relays_itself_is_not_announced) {
  auto other = std::move(p);
  p = make("n2");
  join();
  p->announced.clear();

  for (std::uint64_t each = 1; each <= 4; ++each) {
    other->call("announce", thing{"a"});
    p->keep_house({p->incarnation, other->incarnation});
    p->run();
    p->confirm(each);
    p->run();
    time.advance(2s);
  }

  BOOST_TEST(p->announced.empty());
}

// The process that died had committed an event and not relayed it.
BOOST_AUTO_TEST_CASE(whoever_takes_over_announces_what_the_dead_left_in_the_outbox) {
  auto dead = std::move(p);
  dead->call("announce", thing{"a"});
  dead.reset();
  p = make("n1");
  p->journal_joined();
  p->run();
  p->announced.clear();

  p->keep_house({p->incarnation});
  p->run();

  BOOST_REQUIRE(p->announced.size() == 1U);
  BOOST_TEST(p->announced[0].newest == 1U);
}

BOOST_AUTO_TEST_CASE(large_events_leave_in_frames_of_their_own) {
  join();
  for (int i = 0; i < 4; ++i) {
    p->send("announce", wire::encoded(thing{std::string(100, 'k')}));
  }
  for (int i = 0; i < 4; ++i) {
    p->send("shout", wire::encoded(thing{std::string(100'000, 'x')}));
  }
  p->run();

  BOOST_TEST(p->relays.size() == 8U);
  BOOST_TEST(p->frame_bytes_max < 300'000U);
}

BOOST_AUTO_TEST_CASE(what_no_broker_would_take_is_refused_and_leaves_nothing) {
  join();

  BOOST_TEST(p->call("shout", thing{std::string(2'000'000, 'x')}).why.code == errc::invalid);
  BOOST_TEST(p->call("announce", thing{std::string(300, 'k')}).why.code == errc::invalid);
  BOOST_TEST(rows() == 0);
}

// A savepoint undid the row alone: the event left, the journal had more than the outbox, and took
// no event of the capability any more.
BOOST_AUTO_TEST_CASE(what_a_handler_undoes_with_a_savepoint_is_not_told_to_the_world) {
  join();
  const auto change_mind = [](turn& turn) {
    turn.publish("thing.kept", thing{"kept"});
    turn.database().savepoint();
    turn.publish("thing.undone", thing{"undone"});
    turn.database().savepoint();
    turn.publish("thing.undone", thing{"undone with the outer one"});
    turn.effect("send", thing{"undone"});
    turn.publish_after(1s, "thing.undone", thing{"undone"});
    turn.database().release();
    turn.database().rollback_to_savepoint();
  };
  seen.in_command = change_mind;
  BOOST_TEST(p->call("do", thing{}).status == wire::status::ok);
  BOOST_TEST(numbers(*p) == (numbers_t{1}));
  BOOST_TEST(alarm(*p) == -1ms);
  p->confirm(1);
  p->run();

  seen.on_event = [&](const thing&, turn& turn, const event_info&) {
    change_mind(turn);
    return outcome<void>{};
  };
  p->assign_all(1);
  p->run();
  p->deliver(1, "", thing{"heard"});
  p->run();
  BOOST_TEST(numbers(*p) == (numbers_t{1, 2}));

  seen.in_settle = change_mind;
  const uuid sent = p->send("send", wire::encoded(thing{"sent"}));
  p->run_until([&] { return p->replies[sent].status == wire::status::ok; });
  p->run();
  announce(1);

  BOOST_TEST(numbers(*p) == (numbers_t{1, 2, 3, 4}));
  BOOST_TEST(p->front->condition().outbox_trouble().empty());
  BOOST_TEST(seen.effect_keys.size() == 1U);
}

BOOST_AUTO_TEST_CASE(events_of_a_settlement_have_ids_of_their_own) {
  join();
  seen.publishes_twice = true;
  p->send("send", wire::encoded(thing{"a"}));
  p->run_until([&] { return seen.settled == 1; });
  p->run();

  BOOST_REQUIRE(p->relays.size() == 2U);
  BOOST_TEST(p->relays[0].id != p->relays[1].id);
}

BOOST_AUTO_TEST_CASE(a_timer_publishes_its_event_when_it_is_due) {
  join();
  p->call("remind", thing{"a"});
  BOOST_TEST(rows() == 0);
  BOOST_TEST(alarm(*p).count() == 1'000);

  time.advance(999ms);
  p->come_back();
  p->run();
  BOOST_TEST(p->relays.empty());
  BOOST_TEST(alarm(*p).count() == 1);
  time.advance(1ms);
  p->come_back();
  p->run();

  BOOST_REQUIRE(p->relays.size() == 1U);
  BOOST_TEST(p->relays[0].topic == "thing.due");
  BOOST_TEST(p->relays[0].key == "a");
  BOOST_TEST(p->number("SELECT COUNT(*) FROM timers") == 0);
  BOOST_TEST(p->later.empty());
}

BOOST_AUTO_TEST_CASE(only_an_earlier_timer_sets_another_alarm) {
  p->call("remind", thing{"a"});
  time.advance(500ms);
  p->call("remind", thing{"b"});
  BOOST_TEST(p->later.size() == 1U);

  time.advance(500ms);
  p->come_back();
  p->run();

  BOOST_TEST(rows() == 1);
  BOOST_TEST(alarm(*p).count() == 500);
}

BOOST_AUTO_TEST_CASE(more_timers_than_one_turn_takes_are_all_moved) {
  for (int i = 0; i < 600; ++i) {
    p->send("remind", wire::encoded(thing{std::to_string(i)}));
  }
  p->run();
  time.advance(1s);
  for (int i = 0; i < 3; ++i) {
    p->come_back();
    p->run();
  }

  BOOST_TEST(rows() == 600);
  BOOST_TEST(p->number("SELECT MAX(seq) FROM outbox") == 600);
}

// `limits.body` may be less than what people ask for in an incident.
BOOST_AUTO_TEST_CASE(a_persons_list_is_not_bound_by_what_calls_may_carry) {
  for (int i = 0; i < 40; ++i) {
    p->send("remind", wire::encoded(thing{fmt::format("{:0>200}", i)}));
  }
  p->run();
  p->limit_bodies(1'024);
  item order{.what = item::kind::person_order};
  order.slot = 0;
  order.id = p->fresh_id();
  order.deadline = time.now() + 10s;
  order.operation = "timers";
  order.own_body(wire::encoded(wire::get_timers{.capability = "things"}));
  const uuid asked = order.id;

  p->send(std::move(order));
  p->run();

  const auto found = wire::checked_decode<wire::timers_found>(p->replies[asked].body);
  BOOST_REQUIRE(found.has_value());
  BOOST_TEST(found->events.size() == 40U);
}

BOOST_AUTO_TEST_CASE(a_timer_outlives_the_process_that_made_it) {
  p->call("remind", thing{"a"});
  p = make("n2");
  time.advance(1s);

  p->keep_house({p->incarnation});
  p->run();

  BOOST_TEST(rows() == 1);
}

BOOST_AUTO_TEST_CASE(a_timer_of_somebody_else_is_known_before_it_is_due) {
  auto other = make("n2");
  p->call("remind", thing{"a"});

  other->keep_house({p->incarnation, other->incarnation});
  other->run();

  BOOST_TEST(alarm(*other).count() == 1'000);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
