#include "tests/worker/process_fixture.hpp"

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

BOOST_AUTO_TEST_CASE(a_settlement_that_throws_is_tried_again_and_then_given_up_in_words) {
  seen.settle_throws = 100;
  auto p = make();
  std::uint64_t generation = 1;

  const uuid id = p->send("send", wire::encoded(thing{"a"}));
  p->run_until([&] {
    for (; !p->later.empty(); p->later.pop_back()) {
      p->start(0, ++generation);
      p->send(std::move(p->later.back().what));
    }
    return p->replies[id].status == wire::status::error;
  });

  BOOST_TEST(p->replies[id].why.code == errc::crashed);
  BOOST_TEST((p->replies[id].why.possible == effect::unknown));
  BOOST_TEST(all_of<supervision::child_exited>(p->events).size() == 3U);
  BOOST_TEST(seen.effect_keys.size() == 1U);
  BOOST_TEST(p->number("SELECT COUNT(*) FROM effects") == 0);
}

BOOST_AUTO_TEST_CASE(a_repeat_while_the_effect_runs_attaches_and_starts_nothing) {
  std::mutex gate;
  std::unique_lock closed{gate};
  seen.on_effect = [&](const effect_call&) -> outcome<count> {
    const std::lock_guard waiting{gate};
    return count{};
  };
  auto p = make();
  const uuid id = p->fresh_id();

  p->call(id, "send", thing{"a"});
  const got repeat = p->call(id, "send", thing{"a"});
  closed.unlock();
  p->run_until([&] { return seen.settled == 1; });

  BOOST_TEST(repeat.status == wire::status::pending);
  BOOST_TEST(seen.effect_keys.size() == 1U);
}

BOOST_AUTO_TEST_CASE(too_many_effects_under_way_are_refused_in_words) {
  std::mutex gate;
  std::unique_lock closed{gate};
  seen.on_effect = [&](const effect_call&) -> outcome<count> {
    const std::lock_guard waiting{gate};
    return count{};
  };
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
  std::mutex gate;
  std::unique_lock closed{gate};
  seen.on_effect = [&](const effect_call&) -> outcome<count> {
    const std::lock_guard waiting{gate};
    return count{};
  };
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
  std::mutex gate;
  std::unique_lock closed{gate};
  seen.on_effect = [&](const effect_call&) -> outcome<count> {
    const std::lock_guard waiting{gate};
    return count{};
  };
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
  std::mutex gate;
  std::unique_lock closed{gate};
  seen.on_effect = [&](const effect_call&) -> outcome<count> {
    const std::lock_guard waiting{gate};
    return count{};
  };
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
  p.reset(); // Waits for the threads.
  BOOST_TEST(seen.effect_keys.size() == 1U);
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
  std::mutex gate;
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

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
