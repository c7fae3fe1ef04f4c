#include "tests/observe/captured_stderr.hpp"
#include "tests/worker/process_fixture.hpp"

#include <atomic>
#include <mutex>
#include <thread>

namespace utf = boost::unit_test;

namespace troupe::test {

namespace {

struct threads_fixture {
  observe::captured_stderr captured; // Before the log, which keeps to what it finds.
  temporary_folder folder;
  system_clock time; // The pool waits for real between tries.
  probe seen;
  capability_options options = things_options(folder); // Two threads.
  std::mutex gate;
  std::unique_ptr<process> p;

  void start() {
    p = std::make_unique<process>(time, "n1", things_type(seen), options);
    p->start();
  }

  ~threads_fixture() { p.reset(); }

  std::string breaker_state() const { return p->front->breaker().report().state; }

  /// A breaker that a person gives back after having forced it open probes first.
  void have_it_probe() {
    for (const char* mode : {"open", "auto"}) {
      p->front->breaker().force(
          {.mode = mode, .who = "ann", .why = "a test", .request = p->fresh_id(), .since = {}},
          time.now());
    }
  }

  /// Waits for what another thread does.
  template <class Done>
  void wait_for(Done done) {
    const instant limit = time.now() + 10s;
    while (!done()) {
      BOOST_REQUIRE(time.now() < limit);
      p->front->effects()->tick(time.now());
      std::this_thread::yield();
    }
  }
};

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos;
       at = text.find(part, at + part.size())) {
    ++found;
  }
  return found;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_worker_effect_threads, threads_fixture, *utf::label("integration") * utf::timeout(120))

// A constructor that connects to the outside hangs as effects do, and just then.
BOOST_AUTO_TEST_CASE(a_constructor_that_hangs_is_over_its_time_and_leaves_its_place_to_others) {
  options.effect_limit = 50ms; // Five failures open the breaker.
  start();
  std::unique_lock closed{gate};
  std::atomic<int> making{0};
  seen.on_make = [&] {
    ++making;
    const std::lock_guard waiting{gate};
  };
  for (int i = 0; i < 6; ++i) {
    BOOST_TEST(p->call("send", thing{std::to_string(i)}).status == wire::status::pending);
  }

  wait_for([&] { return breaker_state() == "open"; });
  wait_for([&] { return p->front->effects()->look().overdue == 6; });

  BOOST_TEST(count_of(captured.read(), "the actor's constructor has not returned in time") == 6U);
  BOOST_TEST(making == 6);
  BOOST_TEST(p->front->effects()->in_hand() == 0); // No drain waits for them.
  closed.unlock();
  p->run_until([&] { return seen.settled == 6; });
  BOOST_TEST(seen.effect_keys.size() == 6U); // Each was tried once.
}

BOOST_AUTO_TEST_CASE(what_a_constructor_throws_is_told_now_and_then_and_counts_once) {
  options.breaker.threshold = 1;
  start();
  seen.make_fails = 5;
  p->call("send", thing{"a"});
  p->run_until([&] { return seen.settled == 1; });

  const std::string told = captured.read();
  BOOST_TEST(count_of(told, "effect.not_started") == 3U); // Of the tries 1, 2 and 4.
  BOOST_TEST(count_of(told, "the actor's constructor threw: the constructor failed") == 3U);
  BOOST_TEST(count_of(told, "effect.failed") == 0U);
  BOOST_TEST(p->front->breaker().openings() == 1U);
  BOOST_TEST(p->front->effects()->look().failed.count() == 5U);
}

// One recipient whose host never answers kept the capability shut: its try was the probe each time.
BOOST_AUTO_TEST_CASE(a_repeated_try_that_hangs_is_nobodys_probe) {
  options.breaker.probe_deadline = 1h;
  std::unique_lock closed{gate};
  std::atomic<int> tries{0};
  std::atomic<bool> hangs{false};
  seen.on_effect = [&](const effect_call&) -> outcome<count> {
    ++tries;
    if (breaker_state() != "half_open") {
      return failure{error{.code = errc::unavailable, .message = "the outside is away"}};
    }
    hangs = true;
    const std::lock_guard waiting{gate};
    return count{};
  };
  start();
  p->call("send", thing{"a"});
  wait_for([&] { return tries >= 2; });

  have_it_probe();
  wait_for([&] { return hangs.load(); });
  const got other = p->call("put", thing{"b"});

  BOOST_TEST(other.status == wire::status::ok);
  BOOST_TEST(breaker_state() == "closed");
  closed.unlock();
  p->run_until([&] { return seen.settled == 1; });
}

BOOST_AUTO_TEST_CASE(a_repeated_try_that_succeeds_closes_a_breaker_that_probes) {
  std::atomic<int> tries{0};
  seen.on_effect = [&](const effect_call&) -> outcome<count> {
    ++tries;
    return breaker_state() == "half_open"
               ? outcome<count>{count{}}
               : failure{error{.code = errc::unavailable, .message = "the outside is away"}};
  };
  start();
  p->call("send", thing{"a"});
  wait_for([&] { return tries >= 2; });

  have_it_probe();
  p->run_until([&] { return seen.settled == 1; });

  wait_for([&] { return breaker_state() == "closed"; });
}

// The call is the probe, and says nothing; its effect began before that was told.
BOOST_AUTO_TEST_CASE(a_capability_whose_commands_all_ask_for_effects_closes_its_breaker) {
  std::unique_lock closed{gate};
  seen.on_effect = [&](const effect_call&) -> outcome<count> {
    const std::lock_guard waiting{gate};
    return count{};
  };
  start();
  have_it_probe();

  BOOST_TEST(p->call("send", thing{"a"}).status == wire::status::pending);
  closed.unlock();

  p->run_until([&] { return seen.settled == 1; });
  wait_for([&] { return breaker_state() == "closed"; });
}

BOOST_AUTO_TEST_CASE(a_first_try_is_the_probe_and_opens_the_breaker_again) {
  seen.on_effect = [&](const effect_call&) -> outcome<count> {
    return failure{error{.code = errc::internal, .message = "the outside is broken"}};
  };
  start();
  have_it_probe();

  // The call that asks is a probe itself, for a moment in which its effect can be none.
  int calls = 0;
  wait_for([&] {
    p->call("send", thing{std::to_string(++calls)});
    return breaker_state() == "open";
  });
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::test
