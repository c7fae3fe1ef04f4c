#include "runtime/store/turn/unsettled.hpp"
#include "tests/store/faulty_database.hpp"
#include "tests/worker/process_fixture.hpp"

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

struct takeover_fixture {
  temporary_folder folder;
  manual_clock time;
  probe seen;

  std::unique_ptr<process> make(const std::string& node) {
    time.advance(1ms); // Incarnations sort by their birth.
    auto made = std::make_unique<process>(time, node, things_type(seen), things_options(folder));
    made->start();
    return made;
  }

  static std::int64_t fenced(process& by) {
    return by.number("SELECT COUNT(*) FROM writers WHERE fenced = 1");
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_worker_takeover, takeover_fixture, *utf::label("integration") * utf::timeout(120))

BOOST_AUTO_TEST_CASE(nobody_is_fenced_while_a_broker_lists_it) {
  auto a = make("a");
  auto b = make("b");

  for (int i = 0; i < 20; ++i) {
    time.advance(250ms);
    b->keep_house({a->incarnation, b->incarnation});
    b->run();
  }

  BOOST_TEST(fenced(*b) == 0);
}

BOOST_AUTO_TEST_CASE(somebody_missing_has_a_grace_and_is_then_fenced) {
  auto a = make("a");
  auto b = make("b");

  for (int i = 0; i < 3; ++i) {
    b->keep_house({b->incarnation});
    b->run();
    BOOST_TEST(fenced(*b) == 0);
    time.advance(240ms);
  }
  b->keep_house({b->incarnation});
  b->run();

  BOOST_TEST(fenced(*b) == 1);
}

BOOST_AUTO_TEST_CASE(an_earlier_life_of_the_node_is_fenced_at_once) {
  auto before = make("a");
  auto now = make("a");

  now->keep_house({now->incarnation});
  now->run();

  BOOST_TEST(fenced(*now) == 1);
}

// A process that was stopped wakes up with an old roster, while its successor runs.
BOOST_AUTO_TEST_CASE(an_earlier_life_that_wakes_up_does_not_fence_its_successor) {
  auto before = make("a");
  auto now = make("a");
  before->keep_house({before->incarnation});

  now->keep_house({now->incarnation});
  now->run();
  before->run();

  BOOST_TEST(fenced(*now) == 1);
  BOOST_TEST(now->call("put", thing{"x"}).status == wire::status::ok);
  BOOST_TEST(now->number("SELECT MAX(id) FROM writers") == 3); // Only `before` had to join again.
}

// The earlier process has taken a new writer's number before it reads its old roster.
BOOST_AUTO_TEST_CASE(an_earlier_life_that_joined_anew_does_not_fence_its_successor_either) {
  auto before = make("a");
  auto now = make("a");
  now->keep_house({now->incarnation});
  now->run();
  before->call("put", thing{"x"});

  before->keep_house({before->incarnation});
  before->run();

  BOOST_TEST(fenced(*now) == 1);
}

BOOST_AUTO_TEST_CASE(a_roster_that_is_old_news_fences_nobody) {
  auto before = make("a");
  auto now = make("a");
  now->keep_house({now->incarnation}, 500ms);
  time.advance(2s);

  now->run();

  BOOST_TEST(fenced(*now) == 0);
}

BOOST_AUTO_TEST_CASE(looks_far_apart_do_not_add_up_to_a_grace) {
  auto a = make("a");
  auto b = make("b");
  b->keep_house({b->incarnation});
  b->run();
  time.advance(30s);

  b->keep_house({b->incarnation});
  b->run();

  BOOST_TEST(fenced(*b) == 0);
}

BOOST_AUTO_TEST_CASE(a_fenced_process_loses_nothing_and_goes_on_under_a_new_number) {
  auto before = make("a");
  auto now = make("a");
  now->keep_house({now->incarnation});
  now->run();
  const std::int64_t old = before->store->writer;

  const got reply = before->call("put", thing{"x"});

  BOOST_TEST(reply.status == wire::status::ok);
  BOOST_TEST(before->store->writer != old);
  BOOST_TEST(before->number("SELECT COUNT(*) FROM things") == 1);
}

// A release that renamed or removed an effect is started while another has one under way.
BOOST_AUTO_TEST_CASE(an_effect_that_this_program_does_not_have_is_left_for_one_that_has_it) {
  auto before = make("a");
  before->store->database->begin();
  store::effects{*before->store->database}.add(
      {uuid{.bytes = {std::byte{1}}},
       uuid{.bytes = {std::byte{2}}},
       "removed",
       wire::encoded(thing{"a"})},
      before->store->writer);
  before->store->database->commit();
  const std::int64_t old = before->store->writer;
  before.reset();
  auto now = make("a");

  now->keep_house({now->incarnation});
  now->run();

  BOOST_TEST(fenced(*now) == 1);
  BOOST_TEST(now->number("SELECT writer FROM effects") == old);
  now->store->database->begin();
  const auto listed = store::unsettled{*now->store->database}.list(uuid{}, 10);
  now->store->database->execute("UPDATE effects SET name = 'send'"); // Such as the one before.
  now->store->database->commit();
  BOOST_REQUIRE(listed.size() == 1U);
  BOOST_TEST(listed[0].is_left_alone);
  time.advance(2s);
  now->keep_house({now->incarnation});
  now->run();
  BOOST_TEST(now->number("SELECT COALESCE(MAX(writer), 0) FROM effects") != old);
}

BOOST_AUTO_TEST_CASE(two_processes_that_get_the_same_call_run_it_once) {
  auto a = make("a");
  auto b = make("b");
  const uuid id = a->fresh_id();

  const got first = a->call(id, "put", thing{"x"});
  const got second = b->call(id, "put", thing{"x"});

  BOOST_TEST(first.body == second.body);
  BOOST_TEST(seen.handled == 1);
}

// The ids that a process remembers of the inbox say nothing of rows that others have written since.
BOOST_AUTO_TEST_CASE(a_repeat_of_what_another_process_handled_is_not_run_again) {
  auto a = make("a");
  auto b = make("b");
  a->call("put", thing{"1"});
  const uuid id = a->fresh_id();
  const got first = b->call(id, "put", thing{"2"});
  a->call("put", thing{"3"});

  const got second = a->call(id, "put", thing{"2"});

  BOOST_TEST(first.body == second.body);
  BOOST_TEST(seen.handled == 3);
}

// In a rolling change of two brokers each lists the workers alone that have read its topology.
BOOST_AUTO_TEST_CASE(workers_of_two_brokers_do_not_fence_each_other) {
  auto a = make("a");
  auto b = make("b");

  for (int i = 0; i < 40; ++i) {
    time.advance(250ms);
    a->keep_house({a->incarnation});
    a->run();
    b->keep_house({b->incarnation});
    b->run();
  }

  BOOST_TEST(fenced(*b) == 0);
}

BOOST_AUTO_TEST_CASE(one_that_no_broker_lists_is_fenced_soon_after_it_has_stopped_answering) {
  auto a = make("a");
  auto b = make("b");
  for (int i = 0; i < 10; ++i) {
    time.advance(250ms);
    a->keep_house({a->incarnation});
    a->run();
    b->keep_house({b->incarnation});
    b->run();
  }
  BOOST_TEST(fenced(*b) == 0);

  for (int i = 0; i < 8; ++i) {
    time.advance(250ms);
    b->keep_house({b->incarnation});
    b->run();
  }

  BOOST_TEST(fenced(*b) == 1);
}

// Housekeeping stands behind all messages that the runner has in hand; each has a turn of its own
// when handlers are slow, and queries have none at all.
BOOST_AUTO_TEST_CASE(one_that_is_busy_is_not_taken_for_dead) {
  for (const char* operation : {"put", "look"}) {
    auto a = make("a");
    auto b = make("b");
    for (int i = 0; i < 2; ++i) { // They have known each other for a while.
      time.advance(250ms);
      b->keep_house({b->incarnation});
      b->run();
      a->keep_house({a->incarnation});
      a->run();
    }
    const std::int64_t gone = fenced(*b);
    const instant began = time.now();
    seen.on_handle = [&](const thing&) { time.advance(12ms); };
    for (int i = 0; i < 200; ++i) {
      b->send(operation, wire::encoded(thing{operation + std::to_string(i)}), 60s);
    }
    b->keep_house({b->incarnation});

    instant looked_at = began;
    while (b->run_once()) {
      if (time.now() - looked_at >= 250ms) {
        looked_at = time.now();
        a->keep_house({a->incarnation});
        a->run();
      }
    }

    BOOST_TEST((time.now() - began >= 2s));
    BOOST_TEST(fenced(*b) == gone);
    seen.on_handle = {};
  }
}

// Wherever the asker's turns fail, a question that was undone counts for nothing.
BOOST_AUTO_TEST_CASE(a_question_that_was_never_committed_gives_nobody_up) {
  auto a = make("a");
  store::faulty_database* faulty = nullptr;
  std::unique_ptr<store::database> inner;
  time.advance(1ms);
  process b{time, "b", things_type(seen), things_options(folder), [&](runner_store& store) {
              inner = std::move(store.database);
              auto made = std::make_unique<store::faulty_database>(*inner);
              faulty = made.get();
              store.database = std::move(made);
            }};
  b.start();

  for (int nth = 1; nth < 40; ++nth) {
    time.advance(250ms);
    a->keep_house({a->incarnation, b.incarnation});
    a->run();
    faulty->fail(nth % 20 + 1, store::faulty_database::when::before);
    b.keep_house({b.incarnation});
    b.run();
  }

  BOOST_TEST(faulty->failed());
  BOOST_TEST(fenced(*a) == 0);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
