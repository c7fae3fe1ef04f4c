#include "runtime/strangler/flag_follower.hpp"

#include "runtime/strangler/flag_file.hpp"
#include "tests/strangler/small_journal.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <unistd.h>

namespace utf = boost::unit_test;

namespace troupe::strangler {

namespace {

/// A journal that a follower asks from its own thread, and that may be away.
struct follower_fixture {
  follower_fixture()
      : folder{
          std::filesystem::temp_directory_path() / ("follower-" + std::to_string(::getpid()))} {}

  ~follower_fixture() {
    follower.reset();
    std::filesystem::remove_all(folder);
  }

  outcome<std::string> answer(std::string_view operation, const std::string& body) {
    std::unique_lock lock{mutex};
    ++questions;
    changed.notify_all();
    if (is_away) {
      return failure{error{.code = errc::unavailable, .message = "no broker"}};
    }
    if (operation == "read" && wire::checked_decode<wire::read_events>(body)->wait_ms > 0) {
      // As the broker: until something is published, or for as long as the question waits.
      const auto before = journal.events.size();
      changed.wait_for(lock, milliseconds{100}, [&] { return journal.events.size() != before; });
    }
    return journal.answer(operation, body);
  }

  void start() {
    follower = std::make_unique<flag_follower>(
        [this](std::string_view operation, const std::string& body) {
          return answer(operation, body);
        },
        path,
        log);
  }

  void set(const std::string& flag, std::uint32_t to) {
    const std::lock_guard lock{mutex};
    BOOST_REQUIRE(journal.set(*read_flags(journal.ask), flag, to));
    changed.notify_all();
  }

  /// Waits until the follower has this value.
  bool has(const std::string& flag, std::uint32_t share) {
    std::unique_lock lock{mutex};
    return changed.wait_for(lock, std::chrono::seconds{30}, [&] {
      const auto values = follower->values();
      const auto found = values == nullptr ? flag_values::const_iterator{} : values->find(flag);
      return values != nullptr && found != values->end() && found->second == share;
    });
  }

  void await_questions(int more) {
    std::unique_lock lock{mutex};
    const int wanted = questions + more;
    BOOST_REQUIRE(
        changed.wait_for(lock, std::chrono::seconds{30}, [&] { return questions >= wanted; }));
  }

  std::filesystem::path folder;
  std::string path = (folder / "g1.flags").string();
  system_clock time;
  observe::event_log log{time, "g1", observe::log_format::json};
  std::mutex mutex;
  std::condition_variable changed;
  small_journal journal;
  int questions = 0;
  bool is_away = false;
  std::unique_ptr<flag_follower> follower;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_strangler_flag_follower, follower_fixture, *utf::label("unit") * utf::timeout(60))

BOOST_AUTO_TEST_CASE(a_change_is_followed_and_kept) {
  set("billing", 2'500);
  start();
  BOOST_TEST(has("billing", 2'500));

  set("billing", 10'000);
  BOOST_TEST(has("billing", 10'000));
  set("users", 5'000);
  BOOST_TEST(has("users", 5'000));
  BOOST_TEST(has("billing", 10'000));

  follower.reset();
  const flag_values expected{{"billing", 10'000}, {"users", 5'000}};
  BOOST_TEST((kept_flags(path).value() == expected));
}

BOOST_AUTO_TEST_CASE(without_a_broker_what_was_kept_holds) {
  is_away = true;
  start();
  await_questions(2);
  BOOST_TEST(follower->values() == nullptr);
  follower.reset();

  BOOST_REQUIRE(keep_flags(path, {{"billing", 2'500}}));
  start();
  await_questions(2);
  BOOST_REQUIRE(follower->values() != nullptr);
  BOOST_TEST(follower->values()->at("billing") == 2'500U);
}

BOOST_AUTO_TEST_CASE(a_broker_that_comes_back_is_heard) {
  is_away = true;
  start();
  await_questions(2);
  {
    const std::lock_guard lock{mutex};
    is_away = false;
  }
  set("billing", 2'500);
  BOOST_TEST(has("billing", 2'500));

  {
    const std::lock_guard lock{mutex};
    is_away = true;
  }
  await_questions(2);
  BOOST_TEST(follower->values()->at("billing") == 2'500U);
}

// The values go back with the journal: it is the authority.
BOOST_AUTO_TEST_CASE(a_journal_that_was_brought_back_is_followed) {
  set("billing", 2'500);
  set("billing", 10'000);
  start();
  BOOST_TEST(has("billing", 10'000));

  {
    const std::lock_guard lock{mutex};
    journal.events.pop_back();
    journal.life = id_of(2);
    changed.notify_all();
  }
  BOOST_TEST(has("billing", 2'500));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::strangler
