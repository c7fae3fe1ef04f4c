#include "tests/store/faulty_database.hpp"
#include "tests/worker/process_fixture.hpp"

#include <algorithm>
#include <random>
#include <set>
#include <stdexcept>

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

using strings = std::vector<std::string>;
using positions = std::vector<std::uint64_t>;

struct events_fixture {
  temporary_folder folder;
  manual_clock time;
  probe seen;
  /// The names of events in the order in which their handlers ran.
  strings ran;
  /// Names whose handler throws, refuses, or cannot work now.
  std::set<std::string> poison;
  std::set<std::string> refused;
  std::set<std::string> unready;
  int attempts = 3;
  // The probes of all processes so far, which borrow them.
  std::vector<std::unique_ptr<store::database>> inner;
  store::faulty_database* faulty = nullptr;
  std::unique_ptr<process> p;
  std::uint64_t generation = 1;

  events_fixture() {
    seen.on_event = [this](const thing& event, turn& turn, const event_info&) {
      return handle(event, turn);
    };
    p = make("n1");
  }

  outcome<void> handle(const thing& event, turn& turn) {
    ran.push_back(event.name);
    if (event.name.starts_with("tell")) {
      turn.publish("thing.told", event);
    }
    if (poison.contains(event.name)) {
      throw std::runtime_error{"thrown by \xff" + event.name};
    }
    if (refused.contains(event.name)) {
      return failure{rejected("no", "not this one")};
    }
    if (unready.contains(event.name)) {
      return failure{error{.code = errc::unavailable, .message = "not now"}};
    }
    return {};
  }

  std::unique_ptr<process> make(const std::string& node) {
    auto options = things_options(folder);
    options.retry.attempts = attempts;
    auto made = std::make_unique<process>(
        time, node, things_type(seen), std::move(options), [this](runner_store& store) {
          inner.push_back(std::move(store.database));
          auto wrapped = std::make_unique<store::faulty_database>(*inner.back());
          faulty = wrapped.get();
          store.database = std::move(wrapped);
        });
    made->start();
    return made;
  }

  void begin() {
    p->assign_all(1);
    p->run();
    p->assigned.clear();
  }

  /// Runs, and restarts replicas that fell, until all is done.
  void run() {
    for (;;) {
      p->run();
      const auto ended = all_of<supervision::child_exited>(p->events);
      if (ended.empty()) {
        return;
      }
      p->events.clear();
      for (const auto& each : ended) {
        p->start(static_cast<int>(each.child), ++generation);
      }
    }
  }

  strings things() const {
    strings found;
    auto take = [&](const store::row& row) { found.emplace_back(row.text(0)); };
    p->store->database->query(things_as_inserted(), take);
    return found;
  }

  std::int64_t postponed() const { return p->number("SELECT COUNT(*) FROM postponed"); }

  std::int64_t handled() const { return p->number("SELECT MAX(handled) FROM partitions"); }

  /// What the broker was last told of the event.
  std::optional<wire::postponed> waiting(std::uint64_t position) const {
    std::optional<wire::postponed> found;
    for (const wire::handled& each : p->handled) {
      for (const wire::postponed& one : each.waiting) {
        if (one.position == position) {
          found = one;
        }
      }
    }
    return found;
  }

  positions done() const {
    positions all;
    for (const wire::handled& each : p->handled) {
      all.insert(all.end(), each.done.begin(), each.done.end());
    }
    return all;
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_worker_event_turn, events_fixture, *utf::label("integration") * utf::timeout(240))

BOOST_AUTO_TEST_CASE(an_assignment_is_written_down_and_answered_with_where_it_stands) {
  p->assign(7, {{3, 100}, {4, 0}});
  p->run();

  BOOST_REQUIRE(p->assigned.size() == 1U);
  BOOST_TEST(p->assigned[0].epoch == 7U);
  BOOST_TEST(p->assigned[0].refused.empty());
  BOOST_REQUIRE(p->assigned[0].partitions.size() == 2U);
  BOOST_TEST(p->assigned[0].partitions[0].partition == 3U);
  BOOST_TEST(p->assigned[0].partitions[0].handled == 100U);
  BOOST_TEST(p->number("SELECT epoch FROM partitions WHERE partition = 3") == 7);
  BOOST_TEST(p->number("SELECT handled FROM partitions WHERE partition = 3") == 100);
}

BOOST_AUTO_TEST_CASE(events_are_handled_in_a_turn_and_reported_after_it) {
  begin();
  for (std::uint64_t i = 1; i <= 10; ++i) {
    p->deliver(i, "k", {std::to_string(i)});
  }
  BOOST_TEST(p->front->queues().events_in_hand() == 10);
  p->run();

  BOOST_TEST(things().size() == 10U);
  BOOST_TEST(p->front->counters().turns == 2U); // The assignment's, and one for all.
  BOOST_REQUIRE(p->handled.size() == 1U);
  BOOST_REQUIRE(p->handled[0].upto.size() == 1U);
  BOOST_TEST(p->handled[0].upto[0].position == 10U);
  BOOST_TEST(p->handled[0].upto[0].partition == wire::partition_of("k", {}));
  BOOST_TEST(p->handled[0].waiting.empty());
  BOOST_TEST(p->number("SELECT COUNT(*) FROM inbox") == 0);
  BOOST_TEST(p->front->queues().events_in_hand() == 0);
  BOOST_TEST(p->front->counters().events == 10U);
}

BOOST_AUTO_TEST_CASE(a_repeat_is_not_run_and_its_progress_is_told_again) {
  begin();
  p->deliver(5, "k", {"a"});
  p->run();

  p->deliver(5, "k", {"a"});
  p->run();

  BOOST_TEST(ran == strings{"a"});
  BOOST_REQUIRE(p->handled.size() == 2U);
  BOOST_TEST(p->handled[1].upto[0].position == 5U);
  BOOST_TEST(done() == positions{5});
  BOOST_TEST(p->front->counters().event_repeats == 1U);
}

BOOST_AUTO_TEST_CASE(a_handler_knows_the_event) {
  event_info info;
  uuid id;
  seen.on_event = [&](const thing&, turn& turn, const event_info& event) -> outcome<void> {
    info = event;
    id = turn.id();
    BOOST_TEST(event.topic == "thing.put");
    BOOST_TEST(event.key == "k");
    BOOST_TEST(turn.key() == "k");
    return failure{error{.code = errc::unavailable, .message = "not now"}};
  };
  begin();
  p->deliver(5, "k", {"a"});
  p->run();
  BOOST_TEST(info.attempt == 1);

  p->deliver(5, "k", {"a"});
  p->run();

  BOOST_TEST(info.attempt == 2);
  BOOST_TEST(info.position == 5U);
  BOOST_TEST(id == derived_id(info.id, "things"));
}

BOOST_AUTO_TEST_CASE(a_topic_without_a_handler_is_passed_over) {
  begin();
  p->deliver(5, "k", {"a"}, "other.topic");
  p->run();

  BOOST_TEST(handled() == 5);
  BOOST_TEST(p->front->counters().events_ignored == 1U);
}

BOOST_AUTO_TEST_CASE(a_refusal_undoes_what_was_written_and_is_dead_at_once) {
  refused = {"bad"};
  begin();
  p->deliver(1, "k", {"1"});
  p->deliver(2, "k", {"bad"});
  p->deliver(3, "other", {"3"});
  p->run();

  BOOST_TEST(things() == (strings{"1", "3"}));
  BOOST_REQUIRE(waiting(2).has_value());
  BOOST_TEST(waiting(2)->dead);
  BOOST_TEST(waiting(2)->cause == "rejected");
  BOOST_TEST(waiting(2)->error == "not this one");
  BOOST_TEST(waiting(2)->attempts == 1U);
}

BOOST_AUTO_TEST_CASE(a_body_that_does_not_fit_is_dead_at_once) {
  begin();
  item event{.what = item::kind::event};
  event.id = p->fresh_id();
  event.token = 9;
  event.login = 1;
  event.partition = wire::partition_of("", event.id);
  event.own_body("\xa3"
                 "abc");
  event.operation = "thing.put";
  p->send(std::move(event));
  p->run();

  BOOST_REQUIRE(waiting(9).has_value());
  BOOST_TEST(waiting(9)->dead);
  BOOST_TEST(waiting(9)->cause == "invalid");
}

BOOST_AUTO_TEST_CASE(what_cannot_work_now_waits_and_so_do_those_behind_it_but_no_other_key) {
  unready = {"a1"};
  begin();
  // Both keys are in the same partition, so that only the key makes the difference.
  std::string sibling = "b";
  while (wire::partition_of(sibling, {}) != wire::partition_of("a", {})) {
    sibling += "b";
  }
  p->deliver(1, "a", {"a1"});
  p->deliver(2, "a", {"a2"});
  p->deliver(3, sibling, {"b3"});
  p->deliver(4, "a", {"a4"});
  p->run();

  BOOST_TEST(ran == (strings{"a1", "a1", "b3"})); // Again with a savepoint, as it had written.
  BOOST_TEST(waiting(1)->attempts == 1U);
  BOOST_TEST(waiting(1)->cause == "transient");
  BOOST_TEST(!waiting(1)->dead);
  BOOST_TEST(waiting(2)->attempts == 0U);
  BOOST_TEST(waiting(2)->cause.empty());
  BOOST_TEST(waiting(4)->attempts == 0U);
  BOOST_TEST(p->handled.back().upto[0].position == 4U);
  BOOST_TEST(postponed() == 3);

  unready.clear();
  ran.clear();
  for (const std::uint64_t position : {1U, 2U, 4U}) {
    p->deliver(position, "a", {"a" + std::to_string(position)});
  }
  p->run();

  BOOST_TEST(ran == (strings{"a1", "a2", "a4"}));
  BOOST_TEST(done() == (positions{1, 2, 4}));
  BOOST_TEST(postponed() == 0);
  BOOST_TEST(handled() == 4);
}

BOOST_AUTO_TEST_CASE(events_without_a_key_wait_for_nobody) {
  unready = {"x"};
  begin();
  p->deliver(1, "", {"x"});
  for (std::uint64_t i = 2; i <= 200; ++i) {
    p->deliver(i, "", {std::to_string(i)});
  }
  p->run();

  BOOST_TEST(things().size() == 199U);
  BOOST_TEST(postponed() == 1);
}

BOOST_AUTO_TEST_CASE(an_event_is_dead_after_its_attempts) {
  unready = {"a"};
  begin();
  for (std::uint32_t attempt = 1; attempt <= 3; ++attempt) {
    p->deliver(1, "k", {"a"});
    p->run();

    BOOST_TEST(waiting(1)->attempts == attempt);
    BOOST_TEST(waiting(1)->dead == (attempt == 3));
  }
  ran.clear();

  p->deliver(1, "k", {"a"}); // The dead letter is not on disk yet.
  p->run();

  BOOST_TEST(ran.empty());
  BOOST_TEST(waiting(1)->attempts == 3U);
}

BOOST_AUTO_TEST_CASE(a_poison_event_among_ten_hurts_no_other) {
  poison = {"5"};
  begin();
  p->send("put", wire::encoded(thing{"call"}));
  for (std::uint64_t i = 1; i <= 10; ++i) {
    p->deliver(i, "k" + std::to_string(i), {std::to_string(i)});
  }
  run();
  BOOST_TEST(things() == (strings{"call", "1", "2", "3", "4", "6", "7", "8", "9", "10"}));
  BOOST_TEST(waiting(5)->attempts == 1U);
  BOOST_TEST(waiting(5)->cause == "crashed");
  BOOST_TEST(waiting(5)->error == "thrown by ?5"); // What is not UTF-8 would not arrive.

  for (int more = 0; more < 2; ++more) {
    p->deliver(5, "k5", {"5"});
    run();
  }

  BOOST_TEST(waiting(5)->dead);
  BOOST_TEST(postponed() == 1);
  // An instance for each throw, and one for those before it, which were run again.
  BOOST_TEST(seen.made == 5);
  BOOST_TEST(p->front->queues().events_in_hand() == 0);
}

BOOST_AUTO_TEST_CASE(the_first_of_a_turn_can_be_the_poison_and_all_of_them_too) {
  poison = {"1", "2", "3"};
  begin();
  for (std::uint64_t i = 1; i <= 3; ++i) {
    p->deliver(i, "k", {std::to_string(i)});
  }
  run();

  BOOST_TEST(ran == strings{"1"}); // The others wait behind it.
  BOOST_TEST(waiting(1)->attempts == 1U);
  BOOST_TEST(waiting(2)->attempts == 0U);
  BOOST_TEST(waiting(3)->attempts == 0U);
}

BOOST_AUTO_TEST_CASE(what_a_failed_event_published_or_asked_for_does_not_happen) {
  poison = {"tell1"};
  unready = {"tell2"};
  begin();
  for (std::uint64_t i = 1; i <= 3; ++i) {
    p->deliver(i, "", {"tell" + std::to_string(i)});
  }
  run();

  BOOST_TEST(p->number("SELECT COUNT(*) FROM outbox") == 1);
  BOOST_TEST(p->number("SELECT MAX(seq) FROM outbox") == 1);
}

BOOST_AUTO_TEST_CASE(an_effect_asked_for_by_an_event_runs_and_is_settled_without_a_reply) {
  seen.on_event = [](const thing& event, turn& turn, const event_info&) -> outcome<void> {
    turn.effect("send", event);
    return {};
  };
  begin();
  p->deliver(1, "k", {"a"});
  p->run_until([&] { return seen.settled == 1; });
  p->run();

  BOOST_TEST(p->answered_in_order.empty());
  BOOST_TEST(p->number("SELECT COUNT(*) FROM effects") == 0);
  BOOST_TEST(p->number("SELECT COUNT(*) FROM things WHERE name = 'settled a'") == 1);
}

BOOST_AUTO_TEST_CASE(an_event_whose_handler_asks_for_one_effect_twice_waits_for_a_mended_program) {
  seen.on_event = [](const thing& event, turn& turn, const event_info&) -> outcome<void> {
    turn.effect("send", event);
    turn.effect("send", event);
    return {};
  };
  begin();
  p->deliver(1, "k", {"a"});
  run();

  BOOST_REQUIRE(waiting(1).has_value());
  BOOST_TEST(!waiting(1)->dead);
  BOOST_TEST(waiting(1)->cause == "transient");
  BOOST_TEST(waiting(1)->error.find("twice") != std::string::npos);
  BOOST_TEST(p->number("SELECT COUNT(*) FROM effects") == 0);
}

BOOST_AUTO_TEST_CASE(events_wait_while_too_many_effects_are_under_way) {
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
  p = std::make_unique<process>(time, "n1", things_type(seen), options);
  p->start();
  begin();
  p->deliver(1, "k", {"a"});
  p->run();
  p->deliver(2, "k", {"b"});
  p->run();
  BOOST_TEST(handled() == 1);
  BOOST_REQUIRE(p->later.size() == 1U);

  closed.unlock();
  p->run_until([&] { return seen.settled == 1; });
  p->come_back();
  p->run_until([&] { return seen.settled == 2; });

  BOOST_TEST(handled() == 2);
  BOOST_TEST(p->number("SELECT COUNT(*) FROM postponed") == 0);
}

BOOST_AUTO_TEST_CASE(a_process_that_lost_its_partitions_leaves_their_events_alone) {
  begin();
  p->deliver(1, "k", {"1"});
  p->run();
  auto other = make("n2");
  other->assign_all(2);
  other->run();
  BOOST_REQUIRE(other->assigned.size() == 1U);
  BOOST_TEST(other->assigned[0].partitions[wire::partition_of("k", {})].handled == 1U);
  p->handled.clear();

  p->deliver(2, "k", {"2"}); // Late: the other one has it.
  p->run();
  BOOST_TEST(p->handled.empty());
  BOOST_TEST(p->front->counters().events_of_others == 1U);
  other->deliver(2, "k", {"2"});
  other->run();

  BOOST_TEST(ran == (strings{"1", "2"}));
  p->assign_all(1); // An order that was under way.
  p->run();
  BOOST_TEST(p->number("SELECT MIN(epoch) FROM partitions") == 2);
  BOOST_TEST(p->assigned.back().partitions.empty());
  p->deliver(3, "k", {"3"});
  p->run();
  BOOST_TEST(ran.size() == 2U);
}

BOOST_AUTO_TEST_CASE(what_is_postponed_goes_with_its_partition_and_comes_back) {
  unready = {"1"};
  begin();
  p->deliver(1, "k", {"1"});
  p->deliver(2, "k", {"2"});
  p->run();
  auto other = make("n2");
  other->assign_all(2);
  other->run();
  const auto& states = other->assigned.at(0).partitions;
  BOOST_TEST(states[wire::partition_of("k", {})].waiting.size() == 2U);
  BOOST_TEST(states[wire::partition_of("k", {})].waiting[0].attempts == 1U);

  unready.clear();
  other->deliver(1, "k", {"1"});
  other->deliver(3, "k", {"3"}); // Event 2 of the key still waits before event 3.
  other->run();
  p->assign_all(3);
  p->run();

  const auto& state = p->assigned.back().partitions[wire::partition_of("k", {})];
  BOOST_TEST(state.handled == 3U);
  BOOST_REQUIRE(state.waiting.size() == 2U);
  BOOST_TEST(state.waiting[0].position == 2U);
  BOOST_TEST(state.waiting[1].position == 3U);
}

BOOST_AUTO_TEST_CASE(positions_of_another_journal_are_refused_in_words) {
  begin();
  p->deliver(5, "k", {"a"});
  p->run();

  p->assign_all(9, uuid{.bytes = {std::byte{8}}});
  p->run();

  BOOST_REQUIRE(p->assigned.size() == 1U);
  BOOST_TEST(p->assigned[0].refused.find("journal") != std::string::npos);
  BOOST_TEST(p->assigned[0].partitions.empty());
  BOOST_TEST(p->number("SELECT MAX(epoch) FROM partitions") == 1);
  p->deliver(6, "k", {"b"});
  p->run();
  BOOST_TEST(ran == strings{"a"});
}

BOOST_AUTO_TEST_CASE(an_event_that_becomes_a_dead_letter_is_forgotten_and_those_behind_it_go_on) {
  refused = {"1"};
  begin();
  p->deliver(1, "k", {"1"});
  p->deliver(2, "k", {"2"});
  p->run();
  BOOST_TEST(postponed() == 2);

  p->add_dead_letters({1});
  p->deliver(2, "k", {"2"});
  p->run();

  BOOST_TEST(things() == strings{"2"});
  BOOST_TEST(postponed() == 0);
  p->add_dead_letters({1, 2}); // Again, and one that is handled.
  p->run();
  BOOST_TEST(handled() == 2);
}

BOOST_AUTO_TEST_CASE(
    an_event_that_became_a_dead_letter_before_it_was_seen_is_never_run_by_anybody) {
  begin();
  p->add_dead_letters({3});
  p->run();
  auto other = make("n2");
  other->assign_all(2);
  other->run();

  other->deliver(3, "k", {"deadly"});
  other->deliver(4, "k", {"4"});
  other->run();

  BOOST_TEST(ran == strings{"4"});
}

BOOST_AUTO_TEST_CASE(a_turn_that_cannot_be_committed_holds_its_events_in_order) {
  begin();
  for (std::uint64_t i = 1; i <= 3; ++i) {
    p->deliver(i, "k", {std::to_string(i)});
  }
  faulty->fail(4, store::faulty_database::when::before, store::database_fault::full);
  p->run();
  BOOST_TEST(faulty->failed());
  BOOST_TEST(p->handled.empty());
  BOOST_TEST(handled() == 0);
  p->deliver(4, "k", {"4"}); // The event must not overtake the ones that are held back.
  p->run();
  BOOST_TEST(handled() == 0);
  BOOST_TEST(p->front->queues().events_in_hand() == 4);
  BOOST_REQUIRE(p->later.size() == 1U);

  p->come_back();
  p->run();

  BOOST_TEST(things() == (strings{"1", "2", "3", "4"}));
  BOOST_TEST(handled() == 4);
  BOOST_TEST(p->front->queues().events_in_hand() == 0);
}

BOOST_AUTO_TEST_CASE(what_is_held_is_void_after_a_new_login) {
  begin();
  p->deliver(1, "k", {"1"});
  faulty->fail(1, store::faulty_database::when::before, store::database_fault::full);
  p->run();
  BOOST_TEST(p->front->queues().events_in_hand() == 1);

  p->login = 2;
  p->assign_all(2);
  p->run();
  BOOST_TEST(p->front->queues().events_in_hand() == 0);
  p->deliver(1, "k", {"1"});
  p->run();

  BOOST_TEST(things() == strings{"1"});
}

BOOST_AUTO_TEST_CASE(a_group_that_is_down_wants_no_events_and_holds_those_it_has) {
  begin();
  BOOST_TEST(p->front->served(time.now()).events == 4'096U);
  p->front->condition().set_down(time.now() + 10s, "too many restarts");
  p->runner->set_down(true);
  BOOST_TEST(p->front->served(time.now()).events == 0U);
  p->deliver(1, "k", {"1"});
  p->run();
  BOOST_TEST(ran.empty());

  p->front->condition().set_up("up again");
  p->runner->set_down(false);
  p->come_back();
  p->run();

  BOOST_TEST(ran == strings{"1"});
  p->front->condition().set_draining();
  BOOST_TEST(p->front->served(time.now()).events == 0U);
}

BOOST_AUTO_TEST_CASE(who_subscribes_to_nothing_wants_no_events) {
  auto options = things_options(folder);
  options.subscribes.clear();
  const process silent{time, "n2", things_type(seen), options};

  BOOST_TEST(silent.front->served(time.now()).events == 0U);
}

BOOST_AUTO_TEST_CASE(without_a_store_positions_are_kept_in_memory) {
  seen.writes_events = false;
  auto options = things_options(folder);
  options.database.reset();
  unready = {"2"};
  poison = {"4"};
  p = std::make_unique<process>(time, "n1", things_type(seen), options);
  p->start();
  begin();
  p->deliver(1, "k", {"1"});
  p->deliver(1, "k", {"1"});
  p->deliver(2, "k", {"2"});
  p->deliver(3, "k", {"3"});
  p->deliver(4, "", {"4"});
  run();
  BOOST_TEST(ran == (strings{"1", "2", "4"}));
  BOOST_TEST(waiting(3)->attempts == 0U);
  BOOST_TEST(waiting(4)->cause == "crashed");
  unready.clear();

  p->deliver(2, "k", {"2"});
  p->deliver(3, "k", {"3"});
  run();

  BOOST_TEST(done() == (positions{1, 2, 3})); // The first was a repeat.
  const std::uint32_t partition = wire::partition_of("k", {});
  p->assign(2, {{partition, 1}});
  p->run();
  BOOST_TEST(p->assigned.back().partitions.at(0).handled == 3U);
  p->assign(3, {{partition, 10}}); // Others had it meanwhile.
  p->run();
  BOOST_TEST(p->assigned.back().partitions.at(0).handled == 10U);
  BOOST_TEST(p->front->queues().events_in_hand() == 0);
}

// The event is not lost: it is a dead letter, and can be tried again once there is a store.
BOOST_AUTO_TEST_CASE(without_a_store_an_event_whose_handler_publishes_is_refused_in_words) {
  seen.writes_events = false;
  auto options = things_options(folder);
  options.database.reset();
  p = std::make_unique<process>(time, "n1", things_type(seen), options);
  p->start();
  begin();

  p->deliver(1, "k", {"tell it"});
  p->deliver(2, "k", {"2"});
  run();

  BOOST_REQUIRE(waiting(1).has_value());
  BOOST_TEST(waiting(1)->dead);
  BOOST_TEST(waiting(1)->cause == "rejected");
  BOOST_TEST(waiting(1)->error.find("`store: none`") != std::string::npos);
  BOOST_TEST(p->relays.empty());
  p->add_dead_letters({1});
  p->deliver(2, "k", {"2"});
  run();
  BOOST_TEST(done() == (positions{2}));
  BOOST_TEST(seen.made == 2); // One for each process: no instance fell.
  const got told = p->call("shout", thing{"it"});
  BOOST_TEST(told.why.code == errc::rejected);
  BOOST_TEST(told.why.detail("reason") == "no_store");
  BOOST_TEST((told.why.possible == effect::unknown));
  BOOST_TEST(p->call("count", thing{}).why.detail("reason") == "no_store");
}

namespace {

/// Plays the broker: delivers the events that the database says are to be handled, and often
/// others.
struct restless_fixture : events_fixture {
  static constexpr std::uint64_t last = 60;
  std::mt19937_64 random;
  std::uint64_t epoch = 0;

  explicit restless_fixture(std::uint64_t seed) : random{seed} {
    attempts = 1'000'000;
    seen.on_event = [this](const thing&, turn&, const event_info&) -> outcome<void> {
      switch (random() % 12) {
      case 0:
        return failure{error{.code = errc::unavailable, .message = "not now"}};
      case 1:
        throw std::runtime_error{"thrown"};
      default:
        return {};
      }
    };
    p = make("n");
  }

  static std::string key_of(std::uint64_t position) { return std::to_string(position % 5); }

  void change_hands(int round) {
    if (round != 0 && random() % 2 == 0) {
      p.reset();
      p = make("n" + std::to_string(round));
    }
    ++p->login;
    p->assign_all(++epoch);
  }

  void deliver_what_is_left() {
    std::map<std::uint32_t, std::uint64_t> handled_to;
    auto take = [&](const store::row& row) {
      handled_to[static_cast<std::uint32_t>(row.integer(0))] =
          static_cast<std::uint64_t>(row.integer(1));
    };
    inner.back()->query("SELECT partition, handled FROM partitions", take);
    std::set<std::uint64_t> waiting_now;
    auto note = [&](const store::row& row) {
      waiting_now.insert(static_cast<std::uint64_t>(row.integer(0)));
    };
    inner.back()->query("SELECT position FROM postponed", note);
    for (std::uint64_t position = 1; position <= last; ++position) {
      const std::string key = key_of(position);
      const bool is_new = position > handled_to[wire::partition_of(key, {})];
      const bool is_wanted = waiting_now.contains(position) && random() % 2 == 0;
      if ((is_new && random() % 64 != 0) || is_wanted || random() % 10 == 0) {
        p->deliver(position, key, {key + "-" + std::to_string(100 + position)});
      } else if (is_new) {
        return; // A window that is full: nothing after it, either.
      }
    }
  }

  void fail_somewhere() {
    faulty->fail(
        static_cast<int>(random() % 30 + 1),
        random() % 2 == 0 ? store::faulty_database::when::before
                          : store::faulty_database::when::after,
        store::database_fault::io);
  }
};

} // namespace

// Events of few keys come, many of them twice. Handlers fail now and then, turns at any statement,
// partitions change hands, processes die. Each event is handled once, the events of a key in order.
BOOST_AUTO_TEST_CASE(whatever_happens_each_event_is_handled_once_and_in_order) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    restless_fixture all{seed};
    for (int round = 0; round < 200; ++round) {
      if (round % 20 == 0) {
        all.change_hands(round);
      }
      if (all.random() % 4 == 0 && round < 180) {
        all.fail_somewhere();
      }
      if (all.p->front->queues().events_in_hand() == 0) {
        all.deliver_what_is_left();
      }
      all.run();
      all.p->come_back();
    }
    strings names = all.things();
    BOOST_TEST_REQUIRE(names.size() == restless_fixture::last, "seed " << seed);
    std::ranges::stable_sort(names, [](const auto& a, const auto& b) { return a[0] < b[0]; });
    BOOST_TEST(std::ranges::is_sorted(names), "seed " << seed);
  }
}

BOOST_AUTO_TEST_CASE(more_waiting_events_than_a_message_holds_are_refused_in_words) {
  begin();
  poison.insert("bad");
  p->deliver(1, "k", {"bad"});
  p->deliver(2, "other", {"bad"});
  run();
  p->store->database->begin();
  for (int i = 0; i < 20'000; ++i) {
    p->store->database->execute(
        "INSERT INTO postponed (position, partition, key, attempts, dead, cause, error, replica)"
        " VALUES ($1, $2, 'k', 0, 0, '', '', 0)",
        1'000'000'000 + i,
        static_cast<std::int64_t>(wire::partition_of("k", {})));
  }
  p->store->database->commit();
  p = make("n2");

  p->assign(7, {{wire::partition_of("k", {}), 0}, {wire::partition_of("other", {}), 0}});
  p->run();

  BOOST_REQUIRE(p->assigned.size() == 2U);
  BOOST_REQUIRE(p->assigned[0].partitions.size() == 1U);
  BOOST_TEST(p->assigned[0].partitions[0].partition == wire::partition_of("other", {}));
  BOOST_TEST(p->assigned[1].refused.starts_with("20001 events of `things` wait in partition"));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
