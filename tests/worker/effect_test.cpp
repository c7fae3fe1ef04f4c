#include "runtime/wire/node_calls.hpp"
#include "tests/worker/process_fixture.hpp"

#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

struct effect_fixture {
  temporary_folder folder;
  system_clock time; // The pool waits for real between tries.
  probe seen;

  std::unique_ptr<process> make(capability_options options) {
    auto made = std::make_unique<process>(time, "n1", things_type(seen), std::move(options));
    made->start();
    return made;
  }

  std::unique_ptr<process> make() { return make(things_options(folder)); }

  /// Has effects wait until the lock is given back.
  std::unique_lock<std::mutex> hold_effects() {
    std::unique_lock closed{gate};
    seen.on_effect = [this](const effect_call&) -> outcome<count> {
      const std::lock_guard waiting{gate};
      return count{};
    };
    return closed;
  }

  std::mutex gate;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_worker_effect_pool, effect_fixture, *utf::label("integration") * utf::timeout(120))

BOOST_AUTO_TEST_CASE(a_call_that_asks_for_an_effect_is_pending_and_answered_by_the_settlement) {
  auto p = make();

  const uuid id = p->send("send", wire::encoded(thing{"a"}));
  p->runner->run();
  p->run_until([&] { return p->replies[id].status == wire::status::ok; });

  BOOST_TEST(p->answered_in_order.size() == 2U); // Pending, then the answer.
  BOOST_TEST(p->number("SELECT COUNT(*) FROM things WHERE name = 'settled a'") == 1);
  BOOST_TEST(p->number("SELECT COUNT(*) FROM effects") == 0);
  BOOST_TEST(p->number("SELECT state FROM inbox") == 2);
}

// Whichever was settled first answered, with a reply of its own type.
BOOST_AUTO_TEST_CASE(of_several_effects_the_one_whose_pending_is_returned_answers) {
  std::unique_lock closed = hold_effects();
  auto p = make();
  const uuid id = p->send("send_and_note", wire::encoded(thing{"a"}));
  p->run_until([&] { return seen.noted == 1; });
  p->run();
  BOOST_TEST(p->replies[id].status == wire::status::pending);
  BOOST_TEST(p->replies[id].body.empty());
  BOOST_TEST(p->call(id, "send_and_note", thing{"a"}).status == wire::status::pending); // A repeat.
  closed.unlock();
  p->run_until([&] { return p->replies[id].status == wire::status::ok; });

  BOOST_TEST(wire::checked_decode<count>(p->replies[id].body).has_value());
  BOOST_TEST(p->number("SELECT COUNT(*) FROM effects") == 0);
}

// A release that does not note it leaves the answer to any effect.
BOOST_AUTO_TEST_CASE(a_call_that_names_no_effect_is_answered_by_the_first) {
  std::unique_lock closed = hold_effects();
  auto p = make();
  const uuid id = p->send("send_and_note", wire::encoded(thing{"a"}));
  p->runner->run();
  p->store->database->execute("UPDATE inbox SET reply = NULL");
  p->run_until([&] { return p->replies[id].status == wire::status::ok; });

  BOOST_TEST(wire::checked_decode<thing>(p->replies[id].body).has_value());
  closed.unlock();
}

// A drain ends the socket loop once nothing is in hand: what only the inlet has would be lost.
BOOST_AUTO_TEST_CASE(an_effect_is_in_hand_until_the_socket_loop_has_its_answer) {
  std::unique_lock closed = hold_effects();
  auto p = make();

  p->call("send", thing{"a"});
  BOOST_TEST(p->front->effects()->in_hand() == 1);
  closed.unlock();
  while (seen.settled == 0) {
    p->runner->run();
    std::this_thread::yield();
  }

  BOOST_TEST(p->number("SELECT COUNT(*) FROM effects") == 0);
  BOOST_TEST(p->front->effects()->in_hand() == 1);
  p->run();
  BOOST_TEST(p->answered_in_order.size() == 2U);
  BOOST_TEST(p->front->effects()->in_hand() == 0);
}

BOOST_AUTO_TEST_CASE(effects_that_wait_to_be_tried_or_settled_again_are_not_in_hand) {
  std::atomic<bool> is_away{true};
  seen.on_effect = [&](const effect_call&) -> outcome<count> {
    return is_away ? outcome<count>{failure{error{.code = errc::unavailable, .message = "away"}}}
                   : count{};
  };
  seen.settle_throws = 3;
  auto p = make();

  p->call("send", thing{"a"});
  while (p->front->effects()->in_hand() != 0) { // Between two tries.
    std::this_thread::yield();
  }
  is_away = false;
  p->run_until([&] { return p->later.size() == 1; });

  BOOST_TEST(p->front->effects()->in_hand() == 0);
}

BOOST_AUTO_TEST_CASE(a_pool_that_begins_no_more_leaves_to_its_heir_what_has_not_begun) {
  std::unique_lock closed = hold_effects();
  auto p = make(); // Two threads.
  for (int i = 0; i < 5; ++i) {
    p->call("send", thing{std::to_string(i)});
  }
  p->run_until([&] { return p->front->effects()->look().running == 2; });
  BOOST_TEST(p->front->effects()->in_hand() == 5);

  p->front->effects()->begin_no_more();
  BOOST_TEST(p->front->effects()->in_hand() == 2);
  closed.unlock();
  p->run_until([&] { return p->front->effects()->in_hand() == 0; });

  BOOST_TEST(seen.settled == 2);
  BOOST_TEST(seen.effect_keys.size() == 2U);
  BOOST_TEST(p->number("SELECT COUNT(*) FROM effects") == 3);
}

BOOST_AUTO_TEST_CASE(a_technical_error_is_tried_again_under_the_same_key) {
  std::atomic<int> tries{0};
  seen.on_effect = [&](const effect_call& call) -> outcome<count> {
    if (++tries < 4) {
      return failure{error{.code = errc::unavailable, .message = "the outside is away"}};
    }
    return count{call.attempt};
  };
  auto p = make();

  p->call("send", thing{"a"});
  p->run_until([&] { return seen.settled == 1; });

  BOOST_REQUIRE(seen.effect_keys.size() == 4U);
  for (const uuid& each : seen.effect_keys) {
    BOOST_TEST(each == seen.effect_keys.front());
  }
}

BOOST_AUTO_TEST_CASE(a_throw_of_anything_is_tried_again_on_a_new_instance) {
  std::atomic<int> tries{0};
  seen.on_effect = [&](const effect_call&) -> outcome<count> {
    if (++tries == 1) {
      throw 7;
    }
    if (tries == 2) {
      throw std::runtime_error{"thrown outside"};
    }
    return count{};
  };
  auto p = make();

  p->call("send", thing{"a"});
  p->run_until([&] { return seen.settled == 1; });

  BOOST_TEST(tries == 3);
  BOOST_TEST(seen.made == 4); // The runner's, and one for each try.
}

BOOST_AUTO_TEST_CASE(a_refusal_outside_is_a_result_and_what_the_settlement_wrote_is_kept) {
  seen.on_effect = [](const effect_call&) -> outcome<count> {
    return failure{rejected("declined", "no")};
  };
  auto p = make();

  const uuid id = p->send("send", wire::encoded(thing{"a"}));
  p->run_until([&] { return p->replies[id].status == wire::status::error; });

  BOOST_TEST(p->replies[id].why.code == errc::rejected);
  BOOST_TEST(p->number("SELECT COUNT(*) FROM things WHERE name = 'settled a'") == 1);
  BOOST_TEST(p->number("SELECT state FROM inbox") == 3);
}

BOOST_AUTO_TEST_CASE(a_result_that_cannot_be_settled_is_kept_and_settled_later) {
  seen.settle_throws = 5;
  auto p = make();
  const uuid id = p->send("send", wire::encoded(thing{"a"}));
  std::vector<milliseconds> waits;

  p->run_until([&] {
    if (!p->later.empty()) {
      waits.push_back(p->later.back().delay);
      BOOST_TEST(p->number("SELECT COUNT(*) FROM effects JOIN unsettled USING (key)") == 1);
      BOOST_TEST(p->number("SELECT attempts FROM unsettled") == static_cast<int>(waits.size()));
      p->come_back();
    }
    return p->replies[id].status == wire::status::ok;
  });

  const std::vector<milliseconds> wanted{200ms, 400ms, 800ms, 1600ms};
  BOOST_TEST((waits == wanted));
  BOOST_TEST(seen.effect_keys.size() == 1U); // The outside was asked once.
  BOOST_TEST(p->number("SELECT COUNT(*) FROM things WHERE name = 'settled a'") == 1);
  BOOST_TEST(p->number("SELECT COUNT(*) FROM effects") == 0);
  BOOST_TEST(p->number("SELECT COUNT(*) FROM unsettled") == 0);
  // Its failures are known and written down: they use up nobody's restarts.
  BOOST_TEST(all_of<supervision::child_exited>(p->events).empty());
}

// Such as the next instalment: another request, so that the outside must not take it for a repeat.
BOOST_AUTO_TEST_CASE(a_settlement_may_ask_for_the_next_effect_of_its_own_name) {
  seen.settle_asks_again = 2;
  auto p = make();

  const got first = [&] {
    const uuid id = p->send("send", wire::encoded(thing{"a"}));
    p->run_until(
        [&] { return seen.settled == 3 && p->number("SELECT COUNT(*) FROM effects") == 0; });
    return p->replies[id];
  }();

  BOOST_TEST(first.status == wire::status::ok);
  BOOST_TEST(std::set<uuid>(seen.effect_keys.begin(), seen.effect_keys.end()).size() == 3U);
  BOOST_TEST(p->number("SELECT COUNT(*) FROM things WHERE name = 'settled a++'") == 1);
  BOOST_TEST(p->answered_in_order.size() == 2U); // Pending, then the answer of the first.
}

BOOST_AUTO_TEST_CASE(an_heir_settles_a_kept_result_without_asking_the_outside_again) {
  seen.settle_throws = 100;
  auto first = make();
  const uuid id = first->send("send", wire::encoded(thing{"a"}));
  first->run_until([&] { return !first->later.empty(); });
  first.reset();
  seen.settle_throws = 0;

  auto heir = make();
  heir->keep_house({heir->incarnation});
  heir->run();
  heir->run();

  BOOST_TEST(seen.effect_keys.size() == 1U);
  BOOST_TEST(heir->number("SELECT COUNT(*) FROM effects") == 0);
  BOOST_TEST(heir->number("SELECT COUNT(*) FROM unsettled") == 0);
  BOOST_TEST(heir->call(id, "send", thing{"a"}).status == wire::status::ok);
}

// A deferred rule: nothing throws, and no savepoint helps.
BOOST_AUTO_TEST_CASE(a_settlement_that_only_the_commit_refuses_is_kept_as_any_other) {
  seen.settles_against_rules = true;
  auto p = make();
  const uuid id = p->send("send", wire::encoded(thing{"a"}));
  p->run_until([&] { return !p->later.empty(); });
  BOOST_TEST(
      p->number("SELECT attempts FROM unsettled WHERE LOWER(error) LIKE '%foreign key%'") == 1);
  BOOST_TEST(p->number("SELECT COUNT(*) FROM things WHERE name = 'settled a'") == 0);
  BOOST_TEST(all_of<supervision::child_exited>(p->events).empty());
  p.reset();

  auto heir = make();
  heir->keep_house({heir->incarnation});
  heir->run();
  BOOST_TEST(heir->number("SELECT attempts FROM unsettled") == 2);
  BOOST_REQUIRE(heir->later.size() == 1U);
  BOOST_TEST((heir->later[0].delay == 400ms));
  BOOST_TEST(all_of<supervision::child_exited>(heir->events).empty());
  seen.settles_against_rules = false;
  heir->come_back();
  heir->run();

  BOOST_TEST(seen.effect_keys.size() == 1U); // The outside was asked once.
  BOOST_TEST(heir->number("SELECT COUNT(*) FROM unsettled") == 0);
  BOOST_TEST(heir->call(id, "send", thing{"a"}).status == wire::status::ok);
}

// The result that waits here is older than the one that the other process tried with.
BOOST_AUTO_TEST_CASE(a_kept_result_that_went_to_another_process_and_came_back_is_settled) {
  seen.settle_throws = 100;
  auto p = make();
  process other{time, "n2", things_type(seen), things_options(folder)};
  other.start();
  p->send("send", wire::encoded(thing{"a"}));
  p->run_until([&] { return !p->later.empty(); });
  const auto both = [&] { return std::vector{p->incarnation, other.incarnation}; };

  p->runner->set_down(true);
  p->keep_house(both());
  p->run();
  other.keep_house(both());
  other.run();
  BOOST_TEST(other.number("SELECT attempts FROM unsettled") == 2);
  other.runner->set_down(true);
  other.keep_house(both());
  other.run();
  seen.settle_throws = 0;
  p->runner->set_down(false);
  p->keep_house(both());
  p->come_back();
  p->run();

  BOOST_TEST(seen.settled == 1);
  BOOST_TEST(p->number("SELECT COUNT(*) FROM effects") == 0);
  BOOST_TEST(seen.effect_keys.size() == 1U);
}

// Stored, it would be the answer to this id forever.
BOOST_AUTO_TEST_CASE(a_settlement_that_fails_for_the_moment_is_undone_and_tried_again) {
  std::atomic<bool> is_away{true};
  seen.on_settle = [&] {
    return is_away ? outcome<void>{failure{error{.code = errc::unavailable, .message = "not now"}}}
                   : outcome<void>{};
  };
  auto p = make();
  const uuid id = p->send("send", wire::encoded(thing{"a"}));
  p->run_until([&] { return !p->later.empty(); });
  BOOST_TEST(p->number("SELECT COUNT(*) FROM things WHERE name = 'settled a'") == 0);
  BOOST_TEST(p->number("SELECT state FROM inbox") == 1);

  is_away = false;
  p->come_back();
  p->run();

  BOOST_TEST(p->replies[id].status == wire::status::ok);
  BOOST_TEST(p->number("SELECT COUNT(*) FROM things WHERE name = 'settled a'") == 1);
}

// Another release wrote them. Taken for a refusal, a charge that was made would count as declined.
BOOST_AUTO_TEST_CASE(what_this_program_cannot_read_of_an_effect_is_kept_and_not_refused) {
  auto p = make();
  const std::string other = wire::encoded(count{7});
  const std::string good = wire::encoded(thing{"a"});
  const uuid of_request{.bytes = {std::byte{1}}};
  const uuid of_result{.bytes = {std::byte{2}}};
  p->store->database->begin();
  store::effects effects{*p->store->database};
  effects.add({of_request, p->fresh_id(), "send", other}, p->store->writer);
  effects.add({of_result, p->fresh_id(), "send", good}, p->store->writer);
  p->store->database->commit();

  p->send(result_of(of_request, {false, other}));
  p->send(result_of(of_result, {false, good}));
  p->run();

  BOOST_TEST(seen.settled == 0);
  BOOST_TEST(p->number("SELECT COUNT(*) FROM effects") == 2);
  BOOST_TEST(
      p->number("SELECT COUNT(*) FROM unsettled WHERE error LIKE '%cannot be read by this%'") == 2);
}

BOOST_AUTO_TEST_CASE(a_person_lists_kept_results_and_has_them_settled_at_once) {
  seen.settle_throws = 2;
  auto p = make();
  const uuid id = p->send("send", wire::encoded(thing{"a"}));
  p->run_until([&] { return !p->later.empty(); });
  seen.settle_throws = 0;
  const auto order = [&](std::string_view operation, std::string body) {
    item one{.what = item::kind::person_order};
    one.slot = 0;
    one.id = p->fresh_id();
    one.deadline = time.now() + 10s;
    one.operation = operation;
    one.own_body(std::move(body));
    const uuid asked = one.id;
    p->send(std::move(one));
    p->run();
    return p->replies[asked].body;
  };

  const auto listed = wire::checked_decode<wire::unsettled_effects>(
      order("effects", wire::encoded(wire::get_unsettled_effects{.capability = "things"})));
  const auto tried = wire::checked_decode<wire::effects_tried>(
      order("settle_effects", wire::encoded(wire::settle_effects{.capability = "things"})));
  p->run();

  BOOST_REQUIRE(listed.has_value());
  BOOST_REQUIRE(listed->effects.size() == 1U);
  BOOST_TEST(listed->effects[0].call == id);
  BOOST_TEST(listed->effects[0].effect == "send");
  BOOST_TEST(listed->effects[0].reason == "thrown by the settlement");
  BOOST_REQUIRE(tried.has_value());
  BOOST_TEST(tried->tried == 1U);
  BOOST_TEST(p->replies[id].status == wire::status::ok);
  p->come_back(); // The try after the pause finds nothing left to do.
  p->run();
  BOOST_TEST(seen.settled == 1);
}

// A database of an earlier release may hold such answers.
BOOST_AUTO_TEST_CASE(a_stored_technical_answer_says_that_it_is_final) {
  auto p = make();
  const uuid id = p->fresh_id();
  p->call(id, "send", thing{"a"});
  p->run_until([&] { return seen.settled == 1; });
  std::string stored;
  wire::append_error(stored, {.code = errc::crashed, .message = "given up"});
  p->store->database->begin();
  p->store->database->execute(
      "UPDATE inbox SET state = 3, reply = $1", std::as_bytes(std::span{stored}));
  p->store->database->commit();

  const got again = p->call(id, "send", thing{"a"});

  BOOST_TEST(again.why.code == errc::crashed);
  BOOST_TEST(again.why.is_final);
}

BOOST_AUTO_TEST_CASE(a_repeat_while_the_effect_runs_attaches_and_starts_nothing) {
  std::unique_lock closed = hold_effects();
  auto p = make();
  const uuid id = p->fresh_id();

  p->call(id, "send", thing{"a"});
  const got repeat = p->call(id, "send", thing{"a"});
  closed.unlock();
  p->run_until([&] { return seen.settled == 1; });

  BOOST_TEST(repeat.status == wire::status::pending);
  BOOST_TEST(seen.effect_keys.size() == 1U);
  const std::size_t answered = p->answered_in_order.size();
  p->keep_house({p->incarnation});
  p->run();
  BOOST_TEST(p->answered_in_order.size() == answered); // The answer does not leave twice.
}

// Nobody waits for a provider that never answers: only its time being up tells the breaker.
BOOST_AUTO_TEST_CASE(effects_that_hang_open_the_breaker_and_leave_their_threads_to_others) {
  std::unique_lock closed{gate};
  std::atomic<int> begun{0};
  seen.on_effect = [&](const effect_call&) -> outcome<count> {
    ++begun;
    const std::lock_guard waiting{gate};
    return count{};
  };
  auto options = things_options(folder); // Two threads, and five failures open the breaker.
  options.effect_limit = 50ms;
  auto p = make(options);
  for (int i = 0; i < 6; ++i) {
    p->call("send", thing{std::to_string(i)});
  }

  while (p->front->breaker().report().state != "open") {
    p->front->effects()->tick(time.now());
    std::this_thread::yield();
  }

  BOOST_TEST(begun >= 5);
  BOOST_TEST(p->call("put", thing{"a"}).why.code == errc::circuit_open);
  closed.unlock();
  p->run_until([&] { return seen.settled == 6; });
  BOOST_TEST(seen.effect_keys.size() == 6U); // Each was tried once.
}

BOOST_AUTO_TEST_CASE(too_many_effects_under_way_are_refused_in_words) {
  std::unique_lock closed = hold_effects();
  auto options = things_options(folder);
  options.effect_queue = 1;
  auto p = make(options);

  p->call("send", thing{"a"});
  const got refused = p->call("send", thing{"b"});
  closed.unlock();
  p->run_until([&] { return seen.settled == 1; });

  BOOST_TEST(refused.why.code == errc::overloaded);
  BOOST_TEST(p->call("send", thing{"c"}).status != wire::status::error);
}

BOOST_AUTO_TEST_CASE(a_full_queue_of_effects_stops_only_who_asks_for_one) {
  std::unique_lock closed = hold_effects();
  auto options = things_options(folder);
  options.effect_queue = 1;
  auto p = make(options);
  p->assign_all(1);
  p->call("send", thing{"a"});

  for (int i = 0; i < 3; ++i) { // It is learned which commands ask for effects.
    BOOST_TEST(p->call("send", thing{"b"}).why.code == errc::overloaded);
  }
  BOOST_TEST(p->call("put", thing{"c"}).status == wire::status::ok);
  p->deliver(1, "k", thing{"d"});
  p->run();

  BOOST_TEST(p->number("SELECT COUNT(*) FROM things WHERE name = 'b'") == 0);
  BOOST_TEST(p->number("SELECT COUNT(*) FROM effects") == 1);
  BOOST_TEST(p->front->counters().events.load() == 1U);
  closed.unlock();
}

BOOST_AUTO_TEST_CASE(events_wait_for_room_if_their_handlers_ask_for_effects) {
  std::unique_lock closed = hold_effects();
  seen.on_event = [](const thing& event, turn& turn, const event_info&) -> outcome<void> {
    turn.effect("send", event);
    return {};
  };
  auto options = things_options(folder);
  options.effect_queue = 1;
  auto p = make(options);
  p->assign_all(1);
  for (std::uint64_t position = 1; position <= 3; ++position) {
    p->deliver(position, "k", thing{std::to_string(position)});
    p->run();
  }

  BOOST_TEST(p->front->counters().events.load() == 1U);
  BOOST_TEST(p->number("SELECT COUNT(*) FROM effects") == 1);
  closed.unlock();
}

// A takeover lists all effects of the writer, those with a result behind it in the turn, too.
BOOST_AUTO_TEST_CASE(an_effect_settled_in_the_turn_of_a_takeover_is_not_run_again) {
  std::unique_lock closed = hold_effects();
  make().reset(); // An earlier life of the node, which is taken over.
  auto p = make();
  const uuid id = p->fresh_id();
  p->call(id, "send", thing{"a"});
  item done{.what = item::kind::effect_done, .id = derived_id(id, "send")};
  done.own_body(wire::encoded(count{1}));

  p->keep_house({p->incarnation});
  p->send(std::move(done));
  p->run();

  BOOST_TEST(p->front->counters().takeovers.load() == 1U);
  BOOST_TEST(p->number("SELECT COUNT(*) FROM effects") == 0);
  closed.unlock();
  p.reset();                                 // Waits for the threads.
  BOOST_TEST(seen.effect_keys.size() <= 1U); // None if its thread had not begun by then.
}

// Of a release whose actor had effects.
BOOST_AUTO_TEST_CASE(effects_of_an_actor_that_has_none_any_more_wait_and_the_log_says_so) {
  std::atomic<bool> is_away{true};
  seen.on_effect = [&](const effect_call&) -> outcome<count> {
    return is_away ? outcome<count>{failure{error{.code = errc::unavailable, .message = "away"}}}
                   : outcome<count>{count{}};
  };
  auto p = make();
  p->call("send", thing{"a"});
  p.reset();
  actor_type without{
      .name = "things",
      .make = [](const context&) { return std::make_unique<actor>(); },
      .schema = things_type(seen).schema};
  auto later = std::make_unique<process>(time, "n1", without, things_options(folder));
  later->start();

  later->keep_house({later->incarnation});
  later->run();
  const auto limit = time.now() + 10s; // The try ends on another thread.
  while (later->front->counters().effects.load() == 0 && time.now() < limit) {
    std::this_thread::yield();
  }

  BOOST_TEST(later->number("SELECT COUNT(*) FROM effects") == 1);
  BOOST_TEST(later->front->breaker_report().state == "closed");
  later.reset();
  is_away = false;
  p = make();
  p->keep_house({p->incarnation});
  p->run_until([&] { return seen.settled == 1; });
}

BOOST_AUTO_TEST_CASE(one_effect_that_fails_again_and_again_does_not_open_the_breaker_for_all) {
  std::atomic<int> tries{0};
  seen.on_effect = [&](const effect_call&) -> outcome<count> {
    if (++tries < 4) {
      return failure{error{.code = errc::internal, .message = "the outside is broken"}};
    }
    return count{};
  };
  auto options = things_options(folder);
  options.breaker.threshold = 2;
  auto p = make(options);

  p->call("send", thing{"a"});
  p->run_until([&] { return seen.settled == 1; });

  BOOST_TEST(p->front->breaker_report().state == "closed");
}

BOOST_AUTO_TEST_CASE(an_outside_that_fails_opens_the_breaker_though_calls_are_pending) {
  std::atomic<int> failed{0};
  seen.on_effect = [&](const effect_call& call) -> outcome<count> {
    failed += call.attempt == 1 ? 1 : 0;
    return failure{error{.code = errc::internal, .message = "the outside is broken"}};
  };
  auto p = make();
  for (int i = 0; i < 5; ++i) {
    BOOST_TEST(p->call("send", thing{std::to_string(i)}).status == wire::status::pending);
  }

  // The tries end on other threads: ask until they have.
  const auto limit = time.now() + 10s;
  while (p->front->breaker_report().state != "open" && time.now() < limit) {
    std::this_thread::yield();
  }

  BOOST_TEST(p->front->breaker_report().state == "open");
  BOOST_TEST(p->call("put", thing{"b"}).why.code == errc::circuit_open);
}

BOOST_AUTO_TEST_CASE(effects_of_a_dead_process_are_run_by_its_heir_under_the_same_key) {
  std::unique_lock closed{gate};
  std::atomic<bool> first{true};
  seen.on_effect = [&](const effect_call&) -> outcome<count> {
    if (first.exchange(false)) {
      const std::lock_guard waiting{gate};
    }
    return count{};
  };
  auto p = make();
  const uuid id = p->fresh_id();
  p->call(id, "send", thing{"a"});
  const auto limit = time.now() + 10s;
  while (first && time.now() < limit) {
    std::this_thread::yield();
  }
  closed.unlock();
  p.reset(); // It reached the outside and died before it wrote that down.

  auto heir = make();
  heir->keep_house({heir->incarnation});
  heir->run_until([&] { return seen.settled == 1; });

  BOOST_REQUIRE(seen.effect_keys.size() == 2U);
  BOOST_TEST(seen.effect_keys[0] == seen.effect_keys[1]);
  BOOST_TEST(heir->call(id, "send", thing{"a"}).status == wire::status::ok);
}

// Its process is alive and listed, and must not keep what it does not work on.
BOOST_AUTO_TEST_CASE(effects_of_a_group_that_goes_down_are_run_by_another_process_at_once) {
  std::atomic<bool> works{false};
  seen.on_effect = [&](const effect_call&) -> outcome<count> {
    return works ? outcome<count>{count{}}
                 : failure{error{.code = errc::unavailable, .message = "not here"}};
  };
  auto p = make();
  process other{time, "n2", things_type(seen), things_options(folder)};
  other.start();
  const uuid id = p->fresh_id();
  p->call(id, "send", thing{"a"});

  p->runner->set_down(true);
  p->keep_house({p->incarnation, other.incarnation});
  p->run();
  works = true;
  other.keep_house({p->incarnation, other.incarnation});
  other.run_until([&] { return seen.settled == 1; });

  BOOST_TEST(other.front->counters().takeovers == 1U);
  // The answer is stored; the process that has promised it sends it, too, though it is down.
  p->keep_house({p->incarnation, other.incarnation});
  p->run();
  BOOST_TEST(p->replies[id].status == wire::status::ok);
}

BOOST_AUTO_TEST_CASE(a_group_that_comes_up_again_goes_on_with_what_nobody_has_taken) {
  std::atomic<bool> works{false};
  seen.on_effect = [&](const effect_call&) -> outcome<count> {
    return works ? outcome<count>{count{}}
                 : failure{error{.code = errc::unavailable, .message = "not now"}};
  };
  auto p = make();
  const uuid id = p->fresh_id();
  p->call(id, "send", thing{"a"});
  p->runner->set_down(true);
  p->keep_house({p->incarnation});
  p->run();

  works = true;
  p->runner->set_down(false);
  p->keep_house({p->incarnation});
  p->run_until([&] { return seen.settled == 1; });

  BOOST_TEST(p->call(id, "send", thing{"a"}).status == wire::status::ok);
  BOOST_TEST(p->number("SELECT COUNT(*) FROM effects") == 0);
}

// The caller's broker reaches this process alone, and the effect is another's.
BOOST_AUTO_TEST_CASE(an_answer_that_another_process_stores_reaches_who_was_told_to_wait) {
  std::atomic<bool> works{false};
  seen.on_effect = [&](const effect_call&) -> outcome<count> {
    return works ? outcome<count>{count{}}
                 : failure{error{.code = errc::unavailable, .message = "not yet"}};
  };
  auto owner = make();
  process asked{time, "n2", things_type(seen), things_options(folder)};
  asked.start();
  const uuid id = owner->fresh_id();
  owner->call(id, "send", thing{"a"});
  BOOST_TEST((asked.call(id, "send", thing{"a"}).status == wire::status::pending));

  works = true;
  owner->run_until([&] { return seen.settled == 1; });
  asked.keep_house({owner->incarnation, asked.incarnation});
  asked.run();

  BOOST_TEST(asked.replies[id].status == wire::status::ok);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
