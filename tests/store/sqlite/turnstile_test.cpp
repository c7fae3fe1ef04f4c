#include "runtime/store/sqlite/turnstile.hpp"

#include "tests/store/store_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <memory>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <sstream>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace utf = boost::unit_test;

namespace troupe::store {

namespace {

using namespace std::chrono_literals;

/// Another process, with a pipe to it and one from it. Killed with the test.
class helper {
public:
  helper(std::string mode, std::string path) {
    std::array<int, 2> to{};
    std::array<int, 2> from{};
    BOOST_REQUIRE(pipe2(to.data(), O_CLOEXEC) == 0);
    BOOST_REQUIRE(pipe2(from.data(), O_CLOEXEC) == 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, to[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, from[1], STDOUT_FILENO);
    std::string program = TROUPE_TURNSTILE_HELPER;
    std::array<char*, 4> arguments{program.data(), mode.data(), path.data(), nullptr};
    const auto code =
        posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(to[0]);
    close(from[1]);
    to_ = to[1];
    from_ = from[0];
    BOOST_REQUIRE(code == 0);
  }

  helper(const helper&) = delete;
  helper& operator=(const helper&) = delete;

  ~helper() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      await_end();
    }
    close(to_);
    close(from_);
  }

  pid_t pid() const { return pid_; }

  /// The next line it says, within 20 s.
  std::string line() {
    std::string said;
    for (char byte = 0; byte != '\n';) {
      struct pollfd input {
        from_, POLLIN, 0
      };

      BOOST_REQUIRE_MESSAGE(poll(&input, 1, 20'000) > 0, "the helper says nothing");
      BOOST_REQUIRE_MESSAGE(read(from_, &byte, 1) == 1, "the helper is gone");
      said += byte;
    }
    said.pop_back();
    return said;
  }

  void go_on() { BOOST_REQUIRE(write(to_, "\n", 1) == 1); }

  void stop() {
    BOOST_REQUIRE(kill(pid_, SIGSTOP) == 0);
    int status = 0;
    BOOST_REQUIRE(waitpid(pid_, &status, WUNTRACED) == pid_);
    BOOST_REQUIRE(WIFSTOPPED(status));
  }

  /// The signal that ended it, or 0.
  int await_end() {
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  }

private:
  pid_t pid_ = -1;
  int to_ = -1;
  int from_ = -1;
};

struct turnstile_fixture {
  temporary_folder folder;
  std::string path = folder.file("orders.db");
  turnstile gate = open();

  turnstile open() {
    auto opened = turnstile::open(path);
    BOOST_REQUIRE(opened.has_value());
    return std::move(*opened);
  }

  /// Tries with short patience until `done` or 20 s are over.
  template <class Done>
  bool try_until(Done done) {
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (std::chrono::steady_clock::now() < end) {
      if (done()) {
        return true;
      }
    }
    return false;
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_store_turnstile, *utf::label("integration") * utf::timeout(240))

BOOST_FIXTURE_TEST_CASE(one_writer_at_a_time, turnstile_fixture) {
  auto other = open();
  BOOST_REQUIRE(gate.lock(0ms).has_value());
  BOOST_TEST(gate.held());

  const auto refused = other.lock(30ms);
  BOOST_REQUIRE(!refused);
  BOOST_TEST(refused.error().code == errc::unavailable);
  BOOST_TEST(!other.held());

  gate.unlock();
  BOOST_TEST(other.lock(0ms).has_value());
}

BOOST_FIXTURE_TEST_CASE(a_refused_writer_leaves_the_queue, turnstile_fixture) {
  auto second = open();
  auto third = open();
  BOOST_REQUIRE(gate.lock(0ms).has_value());
  BOOST_REQUIRE(!second.lock(1ms));
  gate.unlock();

  BOOST_TEST(third.lock(0ms).has_value());
}

BOOST_FIXTURE_TEST_CASE(a_guard_gives_the_lock_back, turnstile_fixture) {
  {
    const auto guard = turnstile_guard::lock(gate, 0ms);
    BOOST_TEST(guard.has_value());
    BOOST_TEST(gate.held());
    BOOST_TEST(!gate.lock(0ms).has_value());
  }

  BOOST_TEST(!gate.held());
  BOOST_TEST(!gate.holder().has_value());
}

BOOST_FIXTURE_TEST_CASE(a_thread_that_blocks_all_signals_waits_no_longer, turnstile_fixture) {
  BOOST_REQUIRE(gate.lock(0ms).has_value());
  std::chrono::steady_clock::duration waited{};
  std::thread{[&] {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    auto other = turnstile::open(path);
    const auto start = std::chrono::steady_clock::now();
    static_cast<void>(other->lock(50ms));
    waited = std::chrono::steady_clock::now() - start;
  }}.join();

  BOOST_TEST((waited >= 50ms && waited < 5s));
}

BOOST_FIXTURE_TEST_CASE(a_waiter_gets_the_lock_when_it_is_given_back, turnstile_fixture) {
  helper other{"hold", path};
  BOOST_REQUIRE(other.line() == "locked");
  const auto holder = gate.holder();
  BOOST_REQUIRE(holder.has_value());
  BOOST_TEST(holder->process.pid == other.pid());
  BOOST_TEST(!holder->process.stopped());
  BOOST_TEST(holder->inside);

  other.go_on();

  BOOST_TEST(gate.lock(20s).has_value());
  BOOST_TEST(other.line() == "unlocked");
}

BOOST_FIXTURE_TEST_CASE(a_killed_holder_frees_the_lock_at_once, turnstile_fixture) {
  helper other{"hold", path};
  BOOST_REQUIRE(other.line() == "locked");
  BOOST_REQUIRE(!gate.lock(0ms));

  kill(other.pid(), SIGKILL);
  other.await_end();

  BOOST_TEST(gate.lock(0ms).has_value());
}

BOOST_FIXTURE_TEST_CASE(a_stopped_holder_is_named_and_killed_by_a_waiter, turnstile_fixture) {
  helper other{"hold", path};
  BOOST_REQUIRE(other.line() == "locked");
  other.stop();

  const auto refused = gate.lock(30ms);
  BOOST_REQUIRE(!refused);
  BOOST_TEST(refused.error().message.find("which is stopped") != std::string::npos);
  BOOST_TEST(gate.holder()->process.stopped());
  // Not a moment before its limit.
  BOOST_TEST(!gate.kill_stalled_holder(60s).has_value());

  std::optional<lock_holder> killed;
  BOOST_REQUIRE(try_until([&] {
    killed = gate.kill_stalled_holder(100ms);
    return killed.has_value();
  }));

  BOOST_TEST(killed->process.pid == other.pid());
  BOOST_TEST(other.await_end() == SIGKILL);
  BOOST_TEST(gate.lock(20s).has_value());
}

// The queue, too, must not be stopped by a stopped process.
BOOST_FIXTURE_TEST_CASE(a_stopped_waiter_is_killed_too, turnstile_fixture) {
  auto third = open();
  BOOST_REQUIRE(gate.lock(0ms).has_value());
  helper other{"hold", path};
  BOOST_REQUIRE(try_until([&] {
    const auto next = gate.holder();
    return next && !next->inside && next->process.pid == other.pid();
  }));
  other.stop();
  gate.unlock();
  BOOST_REQUIRE(!third.lock(30ms));

  BOOST_REQUIRE(try_until([&] { return third.kill_stalled_holder(100ms).has_value(); }));

  BOOST_TEST(other.await_end() == SIGKILL);
  BOOST_TEST(third.lock(20s).has_value());
}

// The limit of who waits says nothing about the turns of another release or topology.
BOOST_FIXTURE_TEST_CASE(a_turn_is_judged_by_the_limit_of_its_own_writer, turnstile_fixture) {
  helper other{"slow", path};
  BOOST_REQUIRE(other.line() == "locked");
  BOOST_REQUIRE(!gate.lock(100ms));

  BOOST_TEST(!gate.kill_stalled_holder(10ms).has_value());

  other.go_on();
  BOOST_TEST(gate.lock(20s).has_value());
  BOOST_TEST(other.line() == "unlocked");
}

BOOST_FIXTURE_TEST_CASE(a_stopped_holder_does_not_get_all_of_its_limit, turnstile_fixture) {
  helper other{"slow", path};
  BOOST_REQUIRE(other.line() == "locked");
  other.stop();

  BOOST_TEST(!gate.kill_stalled_holder(60s).has_value());
  BOOST_REQUIRE(try_until([&] {
    BOOST_TEST(!gate.lock(50ms).has_value());
    return gate.kill_stalled_holder(60s).has_value();
  }));

  BOOST_TEST(other.await_end() == SIGKILL);
  BOOST_TEST(gate.lock(20s).has_value());
}

BOOST_FIXTURE_TEST_CASE(a_person_who_took_the_lock_is_left_alone_and_named, turnstile_fixture) {
  helper person{"flock", path};
  BOOST_REQUIRE(person.line() == "locked");

  const auto refused = gate.lock(100ms);

  BOOST_REQUIRE(!refused);
  BOOST_TEST(
      refused.error().message.find("process " + std::to_string(person.pid())) != std::string::npos);
  BOOST_TEST(refused.error().message.find("is left alone") != std::string::npos);
  BOOST_TEST(!gate.kill_stalled_holder(0ms).has_value());
  person.go_on();
  BOOST_TEST(person.await_end() == 0);
  BOOST_TEST(gate.lock(20s).has_value());
}

// An earlier release writes 64 bytes, in front of the end of a longer line.
BOOST_FIXTURE_TEST_CASE(the_end_of_a_line_of_somebody_else_is_not_read, turnstile_fixture) {
  helper other{"slow", path};
  BOOST_REQUIRE(other.line() == "locked");
  BOOST_TEST((gate.holder()->limit == 60s));

  const int file = ::open((path + ".lock").c_str(), O_RDWR | O_CLOEXEC);
  const std::string line = "pid " + std::to_string(other.pid()) + " start "
                           + std::to_string(gate.holder()->process.start_time) + " turn 7";
  const std::string bytes = line + std::string(63 - line.size(), ' ') + "\n limit 5";
  BOOST_REQUIRE(pwrite(file, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  close(file);

  BOOST_REQUIRE(gate.holder().has_value());
  BOOST_TEST(gate.holder()->turn == 7U);
  BOOST_TEST(!gate.holder()->limit.has_value());
}

// A process that takes turn after turn is in the way as often as one that stalls; it moves on.
BOOST_FIXTURE_TEST_CASE(a_busy_holder_is_not_killed, turnstile_fixture) {
  helper other{"share", path};
  BOOST_REQUIRE(other.line() == "ready");
  other.go_on();
  const auto end = std::chrono::steady_clock::now() + 3s;
  int looks = 0;
  while (std::chrono::steady_clock::now() < end) {
    // Long, since on a crowded machine a process may wait for its turn on the processor, too.
    BOOST_TEST(!gate.kill_stalled_holder(2s).has_value());
    ++looks;
  }
  other.go_on();

  BOOST_TEST(looks > 2);
  BOOST_TEST(!other.line().empty());
}

// A migration, or the copying back of a large WAL.
BOOST_FIXTURE_TEST_CASE(
    a_holder_at_long_work_is_killed_only_once_it_is_stopped, turnstile_fixture) {
  helper other{"work", path};
  BOOST_REQUIRE(other.line() == "locked");
  const auto end = std::chrono::steady_clock::now() + 4s;
  while (std::chrono::steady_clock::now() < end) {
    BOOST_REQUIRE(!gate.lock(100ms));
    // Long, since on a crowded machine a process may wait for its turn on the processor, too.
    BOOST_REQUIRE(!gate.kill_stalled_holder(2s).has_value());
  }

  other.stop();
  BOOST_REQUIRE(try_until([&] { return gate.kill_stalled_holder(1s).has_value(); }));

  BOOST_TEST(other.await_end() == SIGKILL);
  BOOST_TEST(gate.lock(20s).has_value());
}

BOOST_FIXTURE_TEST_CASE(this_process_is_never_killed, turnstile_fixture) {
  auto other = open();
  BOOST_REQUIRE(gate.lock(0ms).has_value());
  BOOST_REQUIRE(!other.lock(1ms));

  BOOST_TEST(other.holder()->process.pid == getpid());
  BOOST_TEST(!other.kill_stalled_holder(0ms).has_value());
}

/// How many turns each of two processes had in a second of turns of 100 us, fewest first.
std::vector<double> shares(const std::string& path, turnstile& gate) {
  std::vector<std::unique_ptr<helper>> both;
  for (int n = 0; n < 2; ++n) {
    both.push_back(std::make_unique<helper>("share", path));
    BOOST_REQUIRE(both.back()->line() == "ready");
  }
  for (auto& one : both) {
    one->go_on();
  }
  const auto end = std::chrono::steady_clock::now() + 1s;
  // Waiting in the queue itself passes the time, and makes a third.
  while (std::chrono::steady_clock::now() < end) {
    BOOST_REQUIRE(gate.lock(10s).has_value());
    gate.unlock();
  }
  for (auto& one : both) {
    one->go_on();
  }

  std::vector<double> turns;
  for (auto& one : both) {
    std::istringstream said{one->line()};
    double count = 0;
    double longest_us = 0;
    said >> count >> longest_us;
    BOOST_TEST_MESSAGE(count << " turns, longest wait " << longest_us << " us");
    BOOST_TEST(longest_us < 500'000);
    turns.push_back(count);
  }
  std::ranges::sort(turns);
  return turns;
}

// Shares of 1.0x were measured, and 41x with a lock that is not fair, each time. A
// process that gets no processor asks for no turns: a loaded machine may be unfair once.
BOOST_FIXTURE_TEST_CASE(two_processes_share_fairly, turnstile_fixture) {
  std::vector<double> turns{0, 0};
  for (int attempt = 0; attempt < 3 && turns.back() >= 2 * turns.front(); ++attempt) {
    turns = shares(path, gate);
  }

  BOOST_TEST(turns.front() > 0);
  BOOST_TEST(turns.back() < 2 * turns.front());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::store
