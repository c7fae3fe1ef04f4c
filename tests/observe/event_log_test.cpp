#include "runtime/observe/event_log.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <csignal>
#include <memory>
#include <string>
#include <string_view>
#include <unistd.h>

namespace utf = boost::unit_test;

namespace troupe::observe {

namespace {

/// A pipe in the place of stderr while it lives.
class captured_stderr {
public:
  captured_stderr() {
    BOOST_REQUIRE(::pipe(ends_.data()) == 0);
    ::dup2(ends_[1], STDERR_FILENO);
    ::close(ends_[1]);
  }

  ~captured_stderr() {
    ::dup2(before_, STDERR_FILENO);
    ::close(before_);
    leave();
  }

  captured_stderr(const captured_stderr&) = delete;
  captured_stderr& operator=(const captured_stderr&) = delete;

  /// What there is, up to 1 MiB.
  std::string read() const {
    std::string found(1U << 20U, '\0');
    const auto size = ::read(ends_[0], found.data(), found.size());
    found.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    return found;
  }

  void leave() {
    if (ends_[0] >= 0) {
      ::close(std::exchange(ends_[0], -1));
    }
  }

private:
  std::array<int, 2> ends_{-1, -1};
  int before_ = ::dup(STDERR_FILENO);
};

const system_clock real_time;

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_observe_event_log, *utf::label("unit") * utf::timeout(20))

BOOST_AUTO_TEST_CASE(lines_that_nobody_reads_are_lost_and_the_next_reader_is_told) {
  captured_stderr captured;
  event_log log{real_time, "n1", log_format::json};
  const std::string large(1'000, 'x');
  constexpr int written = 200;
  for (int i = 0; i < written; ++i) {
    log.write("thing.happened", {{"what", large}});
  }
  const std::string before = captured.read();
  log.write("thing.ended");
  std::string after = captured.read();

  BOOST_TEST(before.ends_with("}\n") == after.starts_with("{"));
  after = after.substr(after.find(R"({"at")"));
  const auto kept = std::count(before.begin(), before.end(), '{');
  BOOST_TEST(kept < written);
  BOOST_TEST(
      after.find(R"("event":"log.lines_lost","count":")" + std::to_string(written - kept) + R"("})")
      != std::string::npos);
  BOOST_TEST(after.find("thing.ended") > after.find("lines_lost"));
}

BOOST_AUTO_TEST_CASE(a_reader_that_leaves_ends_nothing) {
  (void)std::signal(SIGPIPE, SIG_IGN);
  captured_stderr captured;
  event_log log{real_time, "n1", log_format::text};
  captured.leave();

  log.write("thing.happened");
}

BOOST_AUTO_TEST_CASE(a_value_of_a_peer_does_not_fill_the_log) {
  captured_stderr captured;
  event_log log{real_time, "n1", log_format::text};

  log.write("login_refused", {{"node", std::string(600'000, 'x')}});

  const std::string line = captured.read();
  BOOST_TEST(line.size() < 4'300U);
  BOOST_TEST(line.ends_with("(600000 bytes)\"\n"));
}

// Probe P13 of runtime/security/README.md: neither a line nor a colour of its own.
BOOST_AUTO_TEST_CASE(no_value_says_anything_to_the_terminal) {
  captured_stderr captured;
  event_log log{real_time, "n1", log_format::text};

  for (const std::string_view value :
       {"a\nb", "a\rb", "a\vb", "a\fb", "a\x1b[2Jb", "a\bb", "a who=b", "a\"b"}) {
    log.write("access_refused", {{"what", std::string{value}}});
    const std::string line = captured.read();
    BOOST_TEST(line.find(" what=\"a") != std::string::npos, line);
    BOOST_TEST(
        std::count_if(
            line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; })
            == 1, // The end of the line.
        line);
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::observe
