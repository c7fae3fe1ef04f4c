#include "tests/broker/journal/journal_fixture.hpp"
#include "tests/store/sqlite/forgetful_vfs.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <csignal>
#include <fcntl.h>
#include <spawn.h>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

namespace utf = boost::unit_test;

namespace troupe::broker {

namespace {

using store::forgetful_vfs;

struct crash_fixture : journal_fixture {
  forgetful_vfs disk;
  std::vector<std::string> fsync_errors;

  crash_fixture() { use(disk); }

  ~crash_fixture() { journal.reset(); }

  void use(const forgetful_vfs& other) {
    options.sqlite.vfs = other.name();
    options.sqlite.checkpoint_pages = 20;
    options.sqlite.truncate_pages = 60;
    options.uncounted_max = 20;
    options.sqlite.on_fatal = [this](const std::string& what) { fsync_errors.push_back(what); };
  }

  /// Writes numbered batches of three events until the end or the first error, with sweeps between.
  /// @return the last position that was answered "ok".
  std::uint64_t write_until_the_power_goes() {
    std::uint64_t confirmed = last;
    if (!try_open()) {
      return confirmed;
    }
    for (int round = 0; round < 25; ++round) {
      journal_batch batch;
      for (int i = 0; i < 3; ++i) {
        batch.events.push_back(make("t" + std::to_string(i), std::string(700, 'b')));
      }
      cursor_row cursor{"mail", {}};
      cursor.handled.fill(last);
      batch.cursors = {cursor};
      batch.sources = {{"orders", uuid{}, last, batch.events.back()->id}};
      if (!write(batch)) {
        break;
      }
      confirmed = last;
      if (!journal->checkpoint()) {
        break;
      }
      if (round % 5 == 4) {
        journal->begin_sweep(
            {.rules = {{"t0", milliseconds{0}, 3'000}, {"t1", milliseconds{0}, 3'000}}});
        if (!journal->sweep()) {
          break;
        }
      }
    }
    journal.reset();
    return confirmed;
  }

  /// Checks the journal after a restart: t2, which is never swept, has every third position.
  void check(std::uint64_t confirmed) {
    open();
    BOOST_TEST_INFO("found " << found.last << ", confirmed " << confirmed);
    BOOST_TEST((found.last == confirmed || found.last == confirmed + 3));
    const auto there = positions("t2");
    BOOST_REQUIRE(there.size() == found.last / 3);
    for (std::size_t i = 0; i < there.size(); ++i) {
      BOOST_REQUIRE(there[i] == (i + 1) * 3);
    }
    for (const std::string topic : {"t0", "t1", "t2"}) {
      BOOST_TEST(counts(topic).events == positions(topic).size());
    }
    if (found.last > 0) {
      BOOST_REQUIRE(found.sources.size() == 1U);
      BOOST_TEST(found.sources[0].taken == found.last);
      BOOST_TEST(found.cursors.at(0).handled[7] == found.last);
      BOOST_REQUIRE(!found.recent.empty());
      BOOST_TEST(found.recent.back().position == found.last);
    }
  }
};

/// Runs journal_helper until it dies at a fault point.
/// @return the last position that it printed.
std::uint64_t run_until_killed(std::string path, const std::string& plan) {
  std::array<int, 2> from{};
  BOOST_REQUIRE(pipe2(from.data(), O_CLOEXEC) == 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, from[1], STDOUT_FILENO);
  std::string program = TROUPE_JOURNAL_HELPER;
  std::string faults = "TROUPE_FAULT_PLAN=" + plan;
  std::array<char*, 3> arguments{program.data(), path.data(), nullptr};
  std::array<char*, 2> environment{faults.data(), nullptr};
  pid_t child = -1;
  BOOST_REQUIRE(
      posix_spawn(&child, program.c_str(), &actions, nullptr, arguments.data(), environment.data())
      == 0);
  posix_spawn_file_actions_destroy(&actions);
  close(from[1]);
  std::string said;
  std::array<char, 4096> buffer{};
  for (ssize_t got = 0; (got = read(from[0], buffer.data(), buffer.size())) > 0;) {
    said.append(buffer.data(), static_cast<std::size_t>(got));
  }
  close(from[0]);
  int status = 0;
  waitpid(child, &status, 0);
  BOOST_TEST(WIFSIGNALED(status));
  BOOST_TEST(WTERMSIG(status) == SIGKILL);
  std::istringstream lines{said};
  std::uint64_t confirmed = 0;
  for (std::uint64_t number = 0; lines >> number;) {
    confirmed = number;
  }
  return confirmed;
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_broker_journal_crash, *utf::label("integration") * utf::timeout(240))

// The power fails before each operation on the disk in turn, also in a sweep and while opening.
BOOST_AUTO_TEST_CASE(whatever_was_answered_is_there_after_a_power_loss) {
  std::uint64_t crashes = 0;
  for (const auto fate : {forgetful_vfs::unsynced::lost, forgetful_vfs::unsynced::reordered}) {
    for (std::uint64_t nth = 1;; nth += nth < 30 ? 3 : 11) {
      BOOST_TEST_CONTEXT("operation " << nth << ", fate " << static_cast<int>(fate)) {
        crash_fixture fixture;
        forgetful_vfs disk{nth};
        fixture.use(disk);
        disk.crash_before(nth);
        const std::uint64_t confirmed = fixture.write_until_the_power_goes();
        const bool crashed = disk.crashed();
        disk.crash();
        disk.restart(fate);

        fixture.check(confirmed);
        // Writing goes on after the last position found.
        const std::uint64_t before = fixture.found.last;
        BOOST_TEST(fixture.write_until_the_power_goes() == before + 75);
        if (!crashed) {
          break;
        }
        ++crashes;
      }
    }
  }
  BOOST_TEST(crashes > 40U);
}

BOOST_FIXTURE_TEST_CASE(after_an_fsync_error_nothing_is_confirmed, crash_fixture) {
  open();
  must_write({.events = {make("a")}});
  disk.fail_sync(1);

  const auto done = write({.events = {make("a")}});

  BOOST_REQUIRE(!done);
  BOOST_TEST(done.error().code == errc::internal);
  BOOST_TEST((done.error().possible == effect::unknown));
  BOOST_TEST(fsync_errors.size() == 1U);
  const auto later = write({.events = {make("a")}});
  BOOST_REQUIRE(!later);
  BOOST_TEST(later.error().message.find("until the broker is started anew") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(a_full_disk_is_refused_in_words_and_recovers_by_itself, crash_fixture) {
  open();
  must_write({.events = {make("a")}});
  disk.limit_growth(20'000);
  journal_batch large;
  for (int i = 0; i < 200; ++i) {
    large.events.push_back(make("new" + std::to_string(i % 7), std::string(3'000, 'f')));
  }

  const auto refused = write(large);

  BOOST_REQUIRE(!refused);
  BOOST_TEST(refused.error().code == errc::unavailable);
  BOOST_TEST((refused.error().possible == effect::none));
  BOOST_TEST(refused.error().message == "the journal's disk is full");
  BOOST_TEST(ask(ask_events{.patterns = {"*"}}).events.size() == 1U);
  disk.unlimit_growth();
  must_write(large);
  open();
  BOOST_TEST(found.last == 201U);
  BOOST_TEST(counts("new0").events == 29U);
}

#ifdef TROUPE_FAULTS
// Death before the commit leaves nothing of the batch, death after it leaves all, though
// unanswered.
BOOST_FIXTURE_TEST_CASE(a_kill_before_the_commit_leaves_nothing_of_the_batch, journal_fixture) {
  const std::uint64_t confirmed = run_until_killed(options.path, "journal.before_commit=kill@20");

  BOOST_TEST(confirmed == 57U);
  open();
  BOOST_TEST(found.last == 57U);
  BOOST_TEST(positions("*").size() == 57U);
}

BOOST_FIXTURE_TEST_CASE(a_kill_after_the_commit_leaves_all_of_the_batch, journal_fixture) {
  const std::uint64_t confirmed = run_until_killed(options.path, "journal.committed=kill@20");

  BOOST_TEST(confirmed == 57U);
  open();
  BOOST_TEST(found.last == 60U);
  BOOST_TEST(positions("*").size() == 60U);
  BOOST_TEST(found.generation == 2U);
}
#endif

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
