#include "runtime/broker/journal/journal.hpp"

#include "runtime/store/sqlite/session.hpp"
#include "runtime/store/sqlite/setup.hpp"
#include "tests/broker/journal/journal_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>

namespace utf = boost::unit_test;

namespace troupe::broker {

namespace {

using namespace std::chrono_literals;

struct threads_fixture : journal_fixture {
  std::mutex mutex;
  std::condition_variable rung;
  int rings = 0;
  std::uint64_t token = 0;
  /// In the order in which they came.
  std::vector<journal_answer> answers;
  // Behind the members that its threads use.
  std::unique_ptr<broker::journal> threads;

  ~threads_fixture() { threads.reset(); }

  void start() {
    threads.reset();
    auto opened = broker::journal::open(
        options, time, [this] { ring(); }, found);
    BOOST_REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().message));
    threads = std::move(*opened);
    last = found.last;
  }

  void ring() {
    const std::lock_guard lock{mutex};
    ++rings;
    rung.notify_all();
  }

  /// Drains until `done` or 20 seconds are over.
  template <class Done>
  void drain_until(Done done) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    for (int seen = 0;;) {
      threads->take_all(answers);
      if (done()) {
        return;
      }
      std::unique_lock lock{mutex};
      BOOST_REQUIRE_MESSAGE(
          rung.wait_until(lock, deadline, [&] { return rings > seen; }), "no answer");
      seen = rings;
    }
  }

  const journal_answer* find(std::uint64_t which) const {
    const auto at =
        std::ranges::find_if(answers, [which](const auto& each) { return each.token == which; });
    return at == answers.end() ? nullptr : &*at;
  }

  const outcome<journal_result>& wait_for(std::uint64_t which) {
    drain_until([&] { return find(which) != nullptr; });
    return find(which)->result;
  }

  template <class Result>
  Result must(std::uint64_t which) {
    const auto& result = wait_for(which);
    BOOST_REQUIRE_MESSAGE(result, (result ? "" : result.error().message));
    BOOST_REQUIRE(std::holds_alternative<Result>(*result));
    return std::get<Result>(*result);
  }

  std::uint64_t send(journal_batch batch) {
    BOOST_REQUIRE(threads->write(std::move(batch), ++token));
    return token;
  }

  std::uint64_t question(journal_question asked) {
    BOOST_REQUIRE(threads->ask(std::move(asked), ++token));
    return token;
  }

  journal_batch batch_of(std::size_t events, const std::string& topic = "a") {
    journal_batch batch;
    for (std::size_t i = 0; i < events; ++i) {
      batch.events.push_back(make(topic));
    }
    return batch;
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_broker_journal, *utf::label("integration") * utf::timeout(240))

BOOST_FIXTURE_TEST_CASE(a_question_sees_every_batch_that_was_answered_before, threads_fixture) {
  start();
  for (std::uint64_t round = 1; round <= 20; ++round) {
    BOOST_TEST(must<batch_written>(send(batch_of(5))).last == round * 5);
    BOOST_TEST(
        must<events_page>(question(ask_events{.patterns = {"*"}})).events.size() == round * 5);
  }
}

BOOST_FIXTURE_TEST_CASE(every_kind_of_question_gets_its_kind_of_answer, threads_fixture) {
  start();
  must<batch_written>(send(batch_of(3)));

  BOOST_TEST(must<positions_found>(question(ask_positions{{1, 9}})).missing.size() == 1U);
  BOOST_TEST(must<position_found>(question(ask_time{now + 1})).after == 3U);
  BOOST_TEST(must<lag_counted>(question(ask_lag{.after = 1, .patterns = {"a"}})).events == 2U);
  BOOST_TEST(must<topics_counted>(question(ask_topics{})).topics.size() == 1U);
  BOOST_TEST(must<dead_letters_page>(question(ask_dead_letters{})).dead_letters.empty());
  BOOST_TEST(!must<dead_letter_found>(question(ask_dead_letter{})).what);
  BOOST_TEST(must<dead_letters_counted>(question(ask_dead_letter_counts{})).capabilities.empty());
  BOOST_TEST(must<due_found>(question(ask_due{})).events.empty());
}

// A capability with much to catch up on must not slow publishers down.
BOOST_FIXTURE_TEST_CASE(questions_do_not_hold_a_batch_up, threads_fixture) {
  options.questions_max = 2'000;
  start();
  must<batch_written>(send(batch_of(1'000)));
  std::uint64_t last_question = 0;
  for (int i = 0; i < 2'000; ++i) {
    last_question = question(ask_events{.patterns = {"*"}});
  }
  const std::uint64_t batch = send(batch_of(1));

  must<batch_written>(batch);

  BOOST_TEST(find(last_question) == nullptr);
}

// SQLite begins the WAL again only while nobody looks into it, and here somebody always does.
BOOST_FIXTURE_TEST_CASE(the_wal_stays_small_while_questions_never_end, threads_fixture) {
  options.sqlite.durable = false;
  start();
  const auto with_body = [&] {
    journal_batch batch;
    for (int i = 0; i < 32; ++i) {
      batch.events.push_back(make("a", std::string(32U * 1024U, 'x')));
    }
    return batch;
  };
  must<batch_written>(send(with_body()));
  const auto is_question_open = [&](std::uint64_t which) { return find(which) == nullptr; };
  std::deque<std::uint64_t> open;

  for (int i = 0; i < 64; ++i) {
    const std::uint64_t batch = send(with_body());
    drain_until([&] {
      std::erase_if(open, [&](std::uint64_t which) { return !is_question_open(which); });
      answers.erase(
          std::remove_if(
              answers.begin(),
              answers.end(),
              [&](const journal_answer& each) { return each.token != batch; }),
          answers.end());
      while (open.size() < 8) {
        open.push_back(question(ask_events{.patterns = {"*"}}));
      }
      return find(batch) != nullptr;
    });
  }

  BOOST_TEST(std::filesystem::file_size(options.path + "-wal") < 40U << 20U);
}

BOOST_FIXTURE_TEST_CASE(more_questions_than_may_wait_are_not_taken, threads_fixture) {
  options.questions_max = 3;
  start();
  must<batch_written>(send(batch_of(1'000)));
  std::size_t taken = 0;
  for (int i = 0; i < 200; ++i) {
    taken += threads->ask(ask_events{.patterns = {"*"}}, 1'000) ? 1 : 0;
  }

  BOOST_TEST(taken >= 3U);
  BOOST_TEST(taken < 200U);
  drain_until([&] { return answers.size() == taken + 1; });
  BOOST_TEST(threads->ask(ask_events{.patterns = {"*"}}, 1'000));
}

// A batch that was refused while a shell had the database locked can be written later.
BOOST_FIXTURE_TEST_CASE(one_batch_at_a_time_and_a_refused_one_may_come_again, threads_fixture) {
  options.sqlite.busy_timeout = 100ms;
  start();
  must<batch_written>(send(batch_of(1)));
  // Without the turnstile, as a shell would.
  auto of_stranger = options.sqlite;
  of_stranger.capability = "troupe.journal";
  store::sqlite_session stranger{options.path, of_stranger};
  store::set_up(stranger);
  stranger.begin();
  const std::uint64_t refused = send(batch_of(1));
  BOOST_TEST(threads->is_writing());
  BOOST_TEST(!threads->write({}, ++token));

  const auto result = wait_for(refused);

  BOOST_REQUIRE(!result);
  BOOST_TEST(result.error().code == errc::unavailable);
  BOOST_TEST(!threads->is_writing());
  stranger.rollback();
  --last;
  BOOST_TEST(must<batch_written>(send(batch_of(1))).last == 2U);
}

BOOST_FIXTURE_TEST_CASE(stopping_finishes_what_was_taken, threads_fixture) {
  options.questions_max = 100;
  start();
  const std::uint64_t batch = send(batch_of(1'000));
  std::vector<std::uint64_t> asked;
  for (int i = 0; i < 100; ++i) {
    asked.push_back(question(ask_events{.patterns = {"*"}}));
  }
  const std::uint64_t swept = ++token;
  threads->sweep({.rules = {{"*", 1ms}}, .now = now + 1'000}, swept);

  threads->stop();

  threads->take_all(answers);
  BOOST_REQUIRE(find(batch) != nullptr);
  BOOST_TEST(find(batch)->result.has_value());
  for (const std::uint64_t each : asked) {
    BOOST_TEST(find(each) != nullptr);
  }
  BOOST_TEST(find(swept) != nullptr);
  BOOST_TEST(!threads->write(batch_of(1), ++token));
  BOOST_TEST(!threads->ask(ask_topics{}, ++token));
  start();
  BOOST_TEST(found.last == 1'000U);
}

BOOST_FIXTURE_TEST_CASE(a_sweep_goes_on_between_batches_until_it_is_over, threads_fixture) {
  options.sweep_rows = 50;
  start();
  must<batch_written>(send(batch_of(1'000, "old")));
  const std::uint64_t swept = ++token;
  threads->sweep({.rules = {{"old", 1ms}}, .now = now + 1'000}, swept);
  for (int i = 0; i < 5; ++i) {
    must<batch_written>(send(batch_of(10, "new")));
  }

  const auto done = must<events_swept>(swept);
  BOOST_TEST(done.deleted >= 999U);
  BOOST_REQUIRE(!done.deletions.empty());
  BOOST_TEST(done.deletions.back().topic == "old");
  BOOST_TEST(done.deletions.back().upto >= 999U);
  const auto page = must<events_page>(question(ask_events{.patterns = {"*"}}));
  BOOST_TEST(page.events.size() <= 51U);
  BOOST_TEST(page.last == 1'050U);
}

BOOST_FIXTURE_TEST_CASE(a_newer_sweep_takes_the_place_of_an_older_one, threads_fixture) {
  options.sweep_rows = 10;
  start();
  must<batch_written>(send(batch_of(2'000, "old")));
  std::vector<std::uint64_t> swept;
  for (int i = 0; i < 5; ++i) {
    swept.push_back(++token);
    threads->sweep({.rules = {{"old", 1ms}}, .now = now + 1'000}, token);
  }

  std::uint64_t deleted = 0;
  for (const std::uint64_t each : swept) {
    deleted += must<events_swept>(each).deleted;
  }

  BOOST_TEST(deleted == 1'999U);
}

BOOST_FIXTURE_TEST_CASE(a_wrong_batch_is_answered_with_its_error, threads_fixture) {
  start();
  auto batch = batch_of(1);
  ++last;
  batch.events.push_back(make("a"));

  const auto& result = wait_for(send(batch));

  BOOST_REQUIRE(!result);
  BOOST_TEST(result.error().code == errc::internal);
  last = 0;
  must<batch_written>(send(batch_of(2)));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
